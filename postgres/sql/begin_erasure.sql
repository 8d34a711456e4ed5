-- Deletes the sessions of visitors, and of a user, and notes how far counting has come: to be run after the erasure has its number, so that
-- no batch can be under way. Who has had several hashes goes with all of them.
-- $1 number, $2 id, $3 kind, $4 requested by, $5 requested at in ms, $6 visitors[], $7 user or null
with named as (
  select key from unnest($6::text[]) as visitor (key)
  union
  select left(alias.known_as, 16)
  from unnest($6::text[]) as visitor (key)
  join visitor_alias as alias on alias.visitor >= visitor.key and alias.visitor < visitor.key || 'g'
),
gone as (
  delete from anonymous_session
  where user_id = $7::text
    or fingerprint in (
      select session.fingerprint
      from named as visitor
      join anonymous_session as session on session.fingerprint >= visitor.key and session.fingerprint < visitor.key || 'g'
    )
  returning fingerprint
),
gone_alias as (
  delete from visitor_alias where known_as in (select fingerprint from gone)
  returning visitor
)
insert into erasure (number, id, kind, requested_by, requested_at, sessions, visitors, user_id, counted)
select
  $1, $2, $3, $4,
  timestamptz 'epoch' + $5::bigint * interval '1 millisecond',
  (select count(*) from gone),
  array(
    select left(fingerprint, 16) from gone
    union select left(visitor, 16) from gone_alias
    union select key from named
  ),
  $7,
  (select coalesce(jsonb_object_agg(partition, next_offset), '{}') from checkpoint)
