-- $1 visitor[], $2 known as[]
insert into visitor_alias (visitor, known_as)
select visitor, known_as from unnest($1::text[], $2::text[]) as alias (visitor, known_as) order by visitor
on conflict (visitor) do nothing
