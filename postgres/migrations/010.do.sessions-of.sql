-- Visitors are asked for by the first 16 hex digits of their hash: these, and those by which they were known before FINGERPRINT_SECRET was changed.
create function all_keys_of(visitors text[]) returns setof text language sql stable as $$
  select key from unnest(visitors) as visitor (key)
  union
  select left(alias.known_as, 16)
  from unnest(visitors) as visitor (key)
  join visitor_alias as alias on alias.visitor >= visitor.key and alias.visitor < visitor.key || 'g'
$$;

-- Fingerprints of the sessions of visitors, and of a user. Each half by itself: a search by either of two columns reads the whole table.
create function sessions_of(visitors text[], of_user text) returns setof varchar language sql stable as $$
  select session.fingerprint
  from all_keys_of(visitors) as visitor (key)
  join anonymous_session as session on session.fingerprint >= visitor.key and session.fingerprint < visitor.key || 'g'
  union
  select fingerprint from anonymous_session where user_id = of_user
$$;
