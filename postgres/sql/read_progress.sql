select partition, next_offset, (extract(epoch from received_until) * 1000)::bigint as received_until, log_identity
from checkpoint
order by partition
