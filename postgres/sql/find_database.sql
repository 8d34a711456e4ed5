-- $1 name
select datname from pg_database where datname = $1
