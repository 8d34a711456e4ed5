-- What a batch says of its visitors, one row a visitor. The sessions that are there are locked in the order of the
-- fingerprint, and new ones are inserted in that order, so that two instances never wait for each other in a circle. One that
-- somebody else inserts at the same time fails the transaction; so may one that somebody else changes, unless
-- lock_sessions.sql, which says why, has locked it before.
--
-- Every row is reached by its key, since a join would read all partitions: lateral with a limit is looked up in the one
-- partition that can have the row, and an insert is routed there. `changed` inserts only what is there and locked, so
-- each of its rows meets its conflict.
-- $1 fingerprint[], $2 session_id[], $3 user_id[], $4 first seen[], $5 last seen[], $6 page views[],
-- $7 first signed in at[], $8 began anonymous[], $9 session timeout; instants and the timeout in ms
with delta as materialized (
  select
    fingerprint,
    session_id,
    user_id,
    timestamptz 'epoch' + first_seen * interval '1 millisecond' as first_seen,
    timestamptz 'epoch' + last_seen * interval '1 millisecond' as last_seen,
    page_views,
    timestamptz 'epoch' + signed_in_at * interval '1 millisecond' as signed_in_at,
    began_anonymous
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[]
  ) as row (fingerprint, session_id, user_id, first_seen, last_seen, page_views, signed_in_at, began_anonymous)
  order by fingerprint
),
known as materialized (
  select
    session.fingerprint,
    case
      when delta.session_id = '' then session.session_id
      when session.session_id = '' then delta.session_id
      when delta.first_seen - session.last_seen > $9::bigint * interval '1 millisecond' then delta.session_id
      else session.session_id
    end as session_id,
    coalesce(delta.user_id, session.user_id) as user_id,
    least(session.first_seen, delta.first_seen) as first_seen,
    greatest(session.last_seen, delta.last_seen) as last_seen,
    session.page_views + delta.page_views as page_views,
    case
      when session.converted_at is not null then session.converted_at
      when session.user_id is null then delta.signed_in_at
      -- History imported later shows that a visitor who seemed to begin with a user had come before without one.
      when delta.began_anonymous and delta.first_seen < session.first_seen
        then coalesce(delta.signed_in_at, session.first_seen)
    end as converted_at
  from delta
  cross join lateral (
    select * from anonymous_session where anonymous_session.fingerprint = delta.fingerprint limit 1 for update
  ) as session
),
changed as (
  insert into anonymous_session (fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at)
  select fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at
  from known
  on conflict (fingerprint) do update
  set session_id = excluded.session_id,
      user_id = excluded.user_id,
      first_seen = excluded.first_seen,
      last_seen = excluded.last_seen,
      page_views = excluded.page_views,
      converted_at = excluded.converted_at
)
insert into anonymous_session (fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at)
select
  fingerprint, session_id, user_id, first_seen, last_seen, page_views,
  case when began_anonymous then signed_in_at end
from delta
where not exists (select from known where known.fingerprint = delta.fingerprint)
order by fingerprint
