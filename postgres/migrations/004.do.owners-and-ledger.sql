-- Who counts a partition now. Whoever takes it over changes the owner, and the one before is refused from then on.
create table partition_owner (
  partition integer primary key,
  owner text not null,
  claimed_at timestamptz not null default now()
);

alter table checkpoint add column received_until timestamptz;

-- What became of what was received, added up in the transaction that moves the checkpoint: so it is exact, whatever crashes.
create table ledger (
  hour timestamptz not null,
  partition integer not null,
  name text not null,
  amount bigint not null,
  primary key (hour, partition, name)
);
