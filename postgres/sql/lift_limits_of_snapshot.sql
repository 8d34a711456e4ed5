-- Statements that begin with `set` take no snapshot yet.
set local statement_timeout = 0; set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0
