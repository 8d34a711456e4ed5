-- What of the log the derived tables were made of, by the hour of receipt and the partition: the ledger compares it
-- with raw.
CREATE TABLE IF NOT EXISTS footfall.log_hourly (
  day           Date,
  hour          DateTime('UTC'),
  log_partition UInt16,
  events        SimpleAggregateFunction(sum, UInt64),
  views         SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, hour, log_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.log_hourly_mv TO footfall.log_hourly AS
SELECT
  day, toStartOfHour(received_at) AS hour, log_partition,
  count() AS events,
  countIf(type = 'page_view') AS views
FROM footfall.event
GROUP BY day, hour, log_partition;
