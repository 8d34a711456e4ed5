select id, name, type, parent_id, country from division order by country, name, id
