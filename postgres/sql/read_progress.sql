select partition, next_offset, (extract(epoch from received_until) * 1000)::bigint as received_until
from checkpoint
order by partition
