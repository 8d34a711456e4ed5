-- Waits for the transaction of an owner who is at work.
-- $1 partition, $2 owner
insert into partition_owner (partition, owner)
values ($1::integer, $2::text)
on conflict (partition) do update
set owner = excluded.owner, claimed_at = now()
