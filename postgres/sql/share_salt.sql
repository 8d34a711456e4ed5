-- The salt of a day: the first who asks brings it. The update changes nothing, and answers the row as it is for all others.
-- $1 day, $2 salt
insert into visitor_salt as held (day, salt) values ($1::date, $2)
on conflict (day) do update set salt = held.salt
returning salt
