-- The server, too, has to notice that a client is gone: until then it keeps the client's locks. Statements are short, and
-- compiling one over all partitions would take longer than running it.
-- $1 statement timeout, $2 lock timeout, $3 time to be idle in a transaction; ms, 0: none
select
  set_config('jit', 'off', false),
  set_config('statement_timeout', $1, false),
  set_config('lock_timeout', $2, false),
  set_config('idle_in_transaction_session_timeout', $3, false),
  set_config('tcp_keepalives_idle', '30', false),
  set_config('tcp_keepalives_interval', '10', false),
  set_config('tcp_keepalives_count', '3', false),
  set_config('tcp_user_timeout', case when version() like '%linux%' then '60000' else '0' end, false)
