-- $1 day
delete from visitor_salt where day < $1::date
