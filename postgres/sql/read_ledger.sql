-- $1 from, $2 to, in ms
select (extract(epoch from hour) * 1000)::bigint as hour, partition, name, amount
from ledger
where hour >= timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
  and hour < timestamptz 'epoch' + $2::bigint * interval '1 millisecond'
order by hour, partition, name
