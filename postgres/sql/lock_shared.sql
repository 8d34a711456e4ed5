select pg_advisory_lock_shared($1, $2)
