-- One bounded bite. Rows are locked in the order of the fingerprint, as the upsert does; a session that came back
-- to life in the meantime is kept.
-- $1 instant, ms since the epoch; $2 most rows to delete
with idle as (
  select fingerprint
  from anonymous_session
  where last_seen < timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
  order by last_seen
  limit $2
),
held as materialized (
  select session.fingerprint
  from anonymous_session as session
  join idle on idle.fingerprint = session.fingerprint
  where session.last_seen < timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
  order by session.fingerprint
  for update of session
)
delete from anonymous_session as session
using held
where session.fingerprint = held.fingerprint
