select
  number, id, kind, requested_by, sessions, receipt, visitors, user_id, counted, found,
  (extract(epoch from requested_at) * 1000)::bigint as requested_at,
  null::bigint as completed_at
from erasure
where completed_at is null
order by number
