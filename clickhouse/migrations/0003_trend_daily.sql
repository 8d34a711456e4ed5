-- Visitors by day and community.
CREATE TABLE IF NOT EXISTS footfall.trend_daily (
  day               Date,
  community_id      UUID,
  visitor_set       AggregateFunction(uniqExact, UInt64),
  authenticated_set AggregateFunction(uniqExact, UInt64),
  views             SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, community_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.trend_daily_mv TO footfall.trend_daily AS
SELECT
  day, community_id,
  uniqExactState(visitor) AS visitor_set,
  uniqExactStateIf(visitor, user_id != '') AS authenticated_set,
  countIf(type = 'page_view') AS views
FROM footfall.event
WHERE type != 'leave'
GROUP BY day, community_id;
