-- Visitors of a community by day, of its own division or of another one.
CREATE TABLE IF NOT EXISTS footfall.community_daily (
  day               Date,
  community_id      UUID,
  relation          Enum8('unknown' = 0, 'same' = 1, 'cross' = 2),
  visitor_set       AggregateFunction(uniqExact, UInt64),
  authenticated_set AggregateFunction(uniqExact, UInt64),
  views             SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, community_id, relation)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.community_daily_mv TO footfall.community_daily AS
SELECT
  day, community_id, relation,
  uniqExactState(visitor) AS visitor_set,
  uniqExactStateIf(visitor, user_id != '') AS authenticated_set,
  countIf(type = 'page_view') AS views
FROM footfall.event
WHERE type != 'leave'
  AND relation != 'unknown'
GROUP BY day, community_id, relation;
