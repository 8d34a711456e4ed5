-- Until the end of the transaction a few rows are looked up one by one in the partitions that have them. The planner
-- reckons with a look into all partitions for each, and would rather read the whole table.
select
  set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true),
  set_config('enable_seqscan', 'off', true)
