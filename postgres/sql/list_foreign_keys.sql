select key.conname as name, key.conrelid::regclass::text as table
from pg_constraint as key
where key.connamespace = current_schema()::regnamespace and key.contype = 'f' and key.conparentid = 0
