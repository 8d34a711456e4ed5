-- Deletes the sessions of visitors, and of a user, and notes how far counting has come: to be run after the erasure has its number, so that
-- no batch can be under way. Who has had several hashes goes with all of them.
-- $1 number, $2 id, $3 kind, $4 requested by, $5 requested at in ms, $6 visitors[], $7 user or null
with gone as (
  delete from anonymous_session
  where fingerprint = any (array(select * from sessions_of($6::text[], $7::text)))
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
    union select * from all_keys_of($6::text[])
  ),
  $7,
  (select coalesce(jsonb_object_agg(partition, next_offset), '{}') from checkpoint)
