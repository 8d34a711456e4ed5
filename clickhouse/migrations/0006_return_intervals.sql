-- How many visitors came to a key on a day and, before that, last on previous_day (1970-01-01: never). Whoever came in
-- [a, b] came once with previous_day < a, so unique visitors are a sum. Authenticated visitors are chained apart.
-- Page views of a day are in its row of previous_day 1970-01-01, which every range that has the day adds up.
-- Rows of dimensions that are ranked come in months as well (architecture.md says how a range is put together), and are
-- in blocks of a month and a previous_month; for others those are 1970-01-01, so that a key lies in one place.
-- Rows of open days are apart, so that they are replaced at once. Dimension 'derived' tells which days are closed, or
-- open: key is the build that derived them, page_views the number of all raw rows that the day had.
CREATE TABLE IF NOT EXISTS footfall.return_intervals (
  dimension      LowCardinality(String),
  day_grain      Enum8('day' = 0, 'month' = 1),
  previous_grain Enum8('day' = 0, 'month' = 1),
  month          Date CODEC(ZSTD),
  previous_month Date CODEC(ZSTD),
  key            LowCardinality(String) CODEC(ZSTD(3)),
  day            Date CODEC(Delta, ZSTD(9)),
  previous_day   Date CODEC(ZSTD(9)),
  is_open        Bool CODEC(ZSTD),
  visitors       UInt64 CODEC(T64, ZSTD(3)),
  authenticated  UInt64 CODEC(T64, ZSTD(3)),
  page_views     UInt64 CODEC(T64, ZSTD(3))
)
ENGINE = SummingMergeTree
PARTITION BY if(is_open, 0, toYear(day))
ORDER BY (dimension, day_grain, previous_grain, month, previous_month, key, day, previous_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_age_to_force_merge_seconds = 60;
