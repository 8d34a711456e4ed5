select id, name, division_id from community order by name, id
