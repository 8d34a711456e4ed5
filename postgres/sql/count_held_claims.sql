-- $1 partition[], $2 owner[]
select count(*) as held
from partition_owner
join unnest($1::integer[], $2::text[]) as claim (partition, owner) using (partition, owner)
