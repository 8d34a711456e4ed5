-- Visitors online in each minute, of the site and of every community that had any. The site has a row of every minute
-- that was noted, 0 too, so that a minute without one was not. A minute noted twice has its highest numbers.
CREATE TABLE IF NOT EXISTS footfall.presence_minute (
  scope    LowCardinality(String) CODEC(ZSTD),
  minute   DateTime('UTC') CODEC(Delta, ZSTD),
  visitors SimpleAggregateFunction(max, UInt32) CODEC(T64, ZSTD)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (scope, minute)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
