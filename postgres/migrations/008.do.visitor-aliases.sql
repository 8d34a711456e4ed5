-- Visitors who came before FINGERPRINT_SECRET was changed are known by the hash that they had then: `known_as` names the session of who now has
-- the hash `visitor`. Goes with the session.
create table visitor_alias (
  visitor varchar(64) primary key,
  known_as varchar(64) not null
);
create index visitor_alias_known_as on visitor_alias (known_as);
