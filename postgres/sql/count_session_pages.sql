-- Of the partition of sessions that has the most.
select coalesce(max(pg_relation_size(relid) / current_setting('block_size')::bigint), 0)::bigint as pages
from pg_partition_tree('anonymous_session')
where isleaf
