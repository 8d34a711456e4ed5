-- Compare and set: a partition that is not its owner's any more, or whose checkpoint lies beyond the start of its range,
-- is left out of the row count. Who is the owner stays so until this transaction ends.
-- Nothing moves where there is an erasure that the batch does not know of; none can begin until this transaction ends.
-- $1 partition[], $2 first offset[], $3 next offset[], $4 received until[] in ms, $5 owner[], $6 number of the last erasure,
-- $7 identity of the log[], null where it is not known
with known as materialized (
  select number from last_erasure for share
),
owned as materialized (
  select held.partition
  from partition_owner as held
  join unnest($1::integer[], $5::text[]) as claim (partition, owner) using (partition, owner)
  order by held.partition
  for share of held
)
insert into checkpoint as held (partition, first_offset, next_offset, received_until, log_identity, updated_at)
select
  partition, first_offset, next_offset,
  timestamptz 'epoch' + received_until * interval '1 millisecond',
  log_identity,
  now()
from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $7::text[])
  as range (partition, first_offset, next_offset, received_until, log_identity)
join owned using (partition)
where (select number from known) = $6::bigint
order by partition
on conflict (partition) do update
set first_offset = excluded.first_offset,
    next_offset = excluded.next_offset,
    received_until = greatest(held.received_until, excluded.received_until),
    log_identity = excluded.log_identity,
    updated_at = excluded.updated_at
where held.next_offset <= excluded.first_offset
