-- Locks the sessions of a batch that are there, in the order of the fingerprint, so that two instances never wait for
-- each other in a circle. A statement of its own: where a row was waited for, PostgreSQL looks for its new version in the
-- partitions that it chose for an earlier row, finds none, and leaves the row out. It is locked all the same, and the
-- next statement sees it as it is.
-- $1 fingerprint[]
select count(*)
from (
  select session.fingerprint
  from (select fingerprint from unnest($1::text[]) as row (fingerprint) order by fingerprint) as delta
  cross join lateral (
    select fingerprint from anonymous_session where anonymous_session.fingerprint = delta.fingerprint limit 1 for update
  ) as session
) as held
