-- What fingerprints of a day are hashed with where VISITOR_SALT is daily. Deleted two days after it began: then nobody can tell
-- whose the hashes of that day were.
create table visitor_salt (
  day date primary key,
  salt text not null
);
