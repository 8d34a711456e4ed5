-- Until the end of the transaction.
select set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)
