-- Compare and set: a partition whose checkpoint lies beyond the start of its range is left out of the row count.
-- $1 partition[], $2 first offset[], $3 next offset[]
insert into checkpoint as held (partition, first_offset, next_offset, updated_at)
select partition, first_offset, next_offset, now()
from unnest($1::integer[], $2::bigint[], $3::bigint[]) as range (partition, first_offset, next_offset)
order by partition
on conflict (partition) do update
set first_offset = excluded.first_offset,
    next_offset = excluded.next_offset,
    updated_at = excluded.updated_at
where held.next_offset <= excluded.first_offset
