-- One bounded bite of a stretch of pages, the same of every partition. Rows are locked in the order of the fingerprint, as the
-- upsert does; a session that came back to life in the meantime is kept.
-- $1 instant, ms since the epoch; $2 most rows to delete; $3 first page, $4 page after the last
with idle as (
  select fingerprint
  from anonymous_session
  where ctid >= format('(%s,0)', $3::bigint)::tid and ctid < format('(%s,0)', $4::bigint)::tid
    and last_seen < timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
  limit $2
),
held as materialized (
  select session.fingerprint
  from anonymous_session as session
  join idle on idle.fingerprint = session.fingerprint
  where session.last_seen < timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
  order by session.fingerprint
  for update of session
),
aliases_gone as (
  delete from visitor_alias using held where visitor_alias.known_as = held.fingerprint
)
delete from anonymous_session as session
using held
where session.fingerprint = held.fingerprint
