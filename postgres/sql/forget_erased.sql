-- $1 instant, ms since the epoch
update erasure
set visitors = null, user_id = null, counted = null
where counted is not null and completed_at < timestamptz 'epoch' + $1::bigint * interval '1 millisecond'
