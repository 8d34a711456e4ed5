-- What was erased, on whose request: kept for good, without saying of whom. Whose it was (the first 16 hex digits of visitors, a user), and
-- how far each partition was counted by then, is kept while events from before may still come.
create table erasure (
  number bigint primary key,
  id uuid not null unique,
  kind text not null,
  requested_by text not null,
  requested_at timestamptz not null,
  sessions bigint not null,
  visitors text[],
  user_id text,
  counted jsonb,
  found jsonb,
  receipt jsonb,
  completed_at timestamptz
);
create index erasure_unfinished on erasure (number) where completed_at is null;

-- Number of the last one, in a row that batches share and erasures change: a batch that does not know of all of them is refused.
create table last_erasure (number bigint not null);
insert into last_erasure values (0);

-- Few have a user, and who has one keeps it: the index costs an update of the rest nothing.
create index anonymous_session_user_id on anonymous_session (user_id) where user_id is not null;
