-- $1 hour[] in ms, $2 partition[], $3 name[], $4 amount[]
insert into ledger as held (hour, partition, name, amount)
select timestamptz 'epoch' + hour * interval '1 millisecond', partition, name, amount
from unnest($1::bigint[], $2::integer[], $3::text[], $4::bigint[]) as entry (hour, partition, name, amount)
order by hour, partition, name
on conflict (hour, partition, name) do update
set amount = held.amount + excluded.amount
