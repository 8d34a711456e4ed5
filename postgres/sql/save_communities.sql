-- $1 id[], $2 name[], $3 division id[]
insert into community (id, name, division_id)
select id, name, division_id
from unnest($1::uuid[], $2::text[], $3::uuid[]) as row (id, name, division_id)
order by id
on conflict (id) do update
set name = excluded.name, division_id = excluded.division_id
