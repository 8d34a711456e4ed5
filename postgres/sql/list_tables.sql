-- A partition's rows are those of its table; that of the migrations says what this schema is, not what is in it.
select relation.relname as name
from pg_class as relation
where relation.relnamespace = current_schema()::regnamespace
  and relation.relkind in ('r', 'p')
  and not relation.relispartition
  and relation.relname <> 'schema_migration'
order by relation.relname
