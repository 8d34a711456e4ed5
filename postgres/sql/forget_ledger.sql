-- $1 instant in ms
delete from ledger
where hour < timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
