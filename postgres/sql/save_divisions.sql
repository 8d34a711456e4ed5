-- A parent may stand in the same rows: the reference is checked at the end of the statement.
-- $1 id[], $2 name[], $3 type[], $4 parent id[], $5 country[]
insert into division (id, name, type, parent_id, country)
select id, name, type, parent_id, country
from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[]) as row (id, name, type, parent_id, country)
order by id
on conflict (id) do update
set name = excluded.name, type = excluded.type, parent_id = excluded.parent_id, country = excluded.country
