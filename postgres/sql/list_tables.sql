-- A partition's rows are those of its table; that of the migrations says what this schema is, not what is in it; and salts are to be
-- destroyed, which a copy would not be.
select relation.relname as name
from pg_class as relation
where relation.relnamespace = current_schema()::regnamespace
  and relation.relkind in ('r', 'p')
  and not relation.relispartition
  and relation.relname not in ('schema_migration', 'visitor_salt')
order by relation.relname
