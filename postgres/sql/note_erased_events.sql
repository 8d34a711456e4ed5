-- What raw had, once: no row where that was noted before.
-- $1 id, $2 found
update erasure set found = $2 where id = $1 and found is null
