-- One row a visitor, keyed by the HMAC of the fingerprint.
create table anonymous_session (
  fingerprint varchar(64) primary key,
  session_id varchar(64) not null default '',
  user_id varchar(64),
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  page_views bigint not null default 0,
  converted_at timestamptz
);
create index anonymous_session_session_id on anonymous_session (session_id);
create index anonymous_session_first_seen on anonymous_session (first_seen);
create index anonymous_session_last_seen on anonymous_session (last_seen);
create index anonymous_session_converted_at on anonymous_session (converted_at) where converted_at is not null;

-- How far each partition of the log has been counted: its last range, [first_offset, next_offset).
create table checkpoint (
  partition integer primary key,
  first_offset bigint not null,
  next_offset bigint not null,
  updated_at timestamptz not null default now(),
  check (first_offset < next_offset)
);
