-- Sessions spread over partitions by the fingerprint: smaller indexes, and vacuum that works on many at once.
alter table anonymous_session rename to anonymous_session_unpartitioned;
alter table anonymous_session_unpartitioned drop constraint anonymous_session_pkey;
drop index anonymous_session_session_id;
drop index anonymous_session_first_seen;
drop index anonymous_session_last_seen;
drop index anonymous_session_converted_at;

create table anonymous_session (
  fingerprint varchar(64) not null,
  session_id varchar(64) not null default '',
  user_id varchar(64),
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  page_views bigint not null default 0,
  converted_at timestamptz
) partition by hash (fingerprint);

do $$
begin
  for remainder in 0..15 loop
    execute format(
      'create table %I partition of anonymous_session for values with (modulus 16, remainder %s)',
      'anonymous_session_' || to_char(remainder, 'FM00'), remainder
    );
  end loop;
end
$$;

insert into anonymous_session (fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at)
select fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at
from anonymous_session_unpartitioned;

drop table anonymous_session_unpartitioned;

alter table anonymous_session add primary key (fingerprint);
create index anonymous_session_session_id on anonymous_session (session_id);
create index anonymous_session_first_seen on anonymous_session (first_seen);
create index anonymous_session_last_seen on anonymous_session (last_seen);
create index anonymous_session_converted_at on anonymous_session (converted_at) where converted_at is not null;
