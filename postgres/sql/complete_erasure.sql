-- $1 id, $2 receipt, $3 instant in ms
update erasure
set receipt = $2, completed_at = timestamptz 'epoch' + $3::bigint * interval '1 millisecond'
where id = $1 and completed_at is null
