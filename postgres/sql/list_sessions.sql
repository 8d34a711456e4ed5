-- $1 visitors[], first 16 hex digits; $2 user or null. An array is looked up by key, whatever the planner expects to be in it.
select
  fingerprint, session_id, user_id, page_views,
  (extract(epoch from first_seen) * 1000)::bigint as first_seen,
  (extract(epoch from last_seen) * 1000)::bigint as last_seen,
  (extract(epoch from converted_at) * 1000)::bigint as converted_at
from anonymous_session
where fingerprint = any (array(select * from sessions_of($1::text[], $2::text)))
order by fingerprint
