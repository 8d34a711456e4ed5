-- $1 visitors[], first 16 hex digits; $2 user or null
with named as (
  select key from unnest($1::text[]) as visitor (key)
  union
  select left(alias.known_as, 16)
  from unnest($1::text[]) as visitor (key)
  join visitor_alias as alias on alias.visitor >= visitor.key and alias.visitor < visitor.key || 'g'
)
select
  fingerprint, session_id, user_id, page_views,
  (extract(epoch from first_seen) * 1000)::bigint as first_seen,
  (extract(epoch from last_seen) * 1000)::bigint as last_seen,
  (extract(epoch from converted_at) * 1000)::bigint as converted_at
from anonymous_session
where user_id = $2::text
  or fingerprint in (
    select session.fingerprint
    from named as visitor
    join anonymous_session as session on session.fingerprint >= visitor.key and session.fingerprint < visitor.key || 'g'
  )
order by fingerprint
