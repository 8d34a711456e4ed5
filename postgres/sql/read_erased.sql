-- Whose events are not to be counted, and the number of the last erasure, which was there before.
select
  last_erasure.number as last,
  erasure.number, visitors, user_id, counted,
  (extract(epoch from requested_at) * 1000)::bigint as requested_at
from last_erasure
left join erasure on erasure.counted is not null and erasure.number <= last_erasure.number
order by erasure.number
