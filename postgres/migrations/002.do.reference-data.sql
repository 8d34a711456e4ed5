-- Administrative divisions: a tree of countries, provinces, cities and the like.
create table division (
  id uuid primary key,
  name text not null,
  type text not null,
  parent_id uuid references division (id),
  country char(2) not null
);

create table community (
  id uuid primary key,
  name text not null,
  division_id uuid references division (id)
);
