-- The last closed day of each month on which a visitor came to a key, and the first: what the next day is chained to.
-- Cut by month, so that the state before any month is there to begin again from.
CREATE TABLE IF NOT EXISTS footfall.last_seen (
  dimension              LowCardinality(String),
  visitor                UInt64 CODEC(Delta, ZSTD(3)),
  key                    LowCardinality(String) CODEC(ZSTD(3)),
  month                  Date CODEC(ZSTD),
  first_day              SimpleAggregateFunction(min, Date) CODEC(ZSTD),
  last_day               SimpleAggregateFunction(max, Date) CODEC(ZSTD),
  last_authenticated_day SimpleAggregateFunction(max, Date) CODEC(ZSTD)
)
ENGINE = AggregatingMergeTree
PARTITION BY month
ORDER BY (dimension, visitor, key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_age_to_force_merge_seconds = 60;
