-- $1 id, or null for all; $2 at most so many, the latest first
select
  number, id, kind, requested_by, sessions, receipt,
  (extract(epoch from requested_at) * 1000)::bigint as requested_at,
  (extract(epoch from completed_at) * 1000)::bigint as completed_at
from erasure
where $1::uuid is null or id = $1
order by number desc
limit $2
