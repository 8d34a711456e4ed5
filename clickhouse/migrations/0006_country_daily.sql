-- Visitors by day and country.
CREATE TABLE IF NOT EXISTS footfall.country_daily (
  day               Date,
  country           LowCardinality(String),
  visitor_set       AggregateFunction(uniqExact, UInt64),
  authenticated_set AggregateFunction(uniqExact, UInt64),
  views             SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, country)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.country_daily_mv TO footfall.country_daily AS
SELECT
  day, country,
  uniqExactState(visitor) AS visitor_set,
  uniqExactStateIf(visitor, user_id != '') AS authenticated_set,
  countIf(type = 'page_view') AS views
FROM footfall.event
WHERE type != 'leave'
GROUP BY day, country;
