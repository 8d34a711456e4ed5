-- Visitors of a page by day. A visitor counts where any event but a leave says so; authenticated where an event names a user.
-- Every derived table is cut by day, so that REPLACE PARTITION swaps one day. Only sets of visitors merge exactly.
CREATE TABLE IF NOT EXISTS footfall.page_daily (
  day               Date,
  page              String CODEC(ZSTD),
  visitor_set       AggregateFunction(uniqExact, UInt64),
  authenticated_set AggregateFunction(uniqExact, UInt64),
  views             SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, page)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.page_daily_mv TO footfall.page_daily AS
SELECT
  day, page,
  uniqExactState(visitor) AS visitor_set,
  uniqExactStateIf(visitor, user_id != '') AS authenticated_set,
  countIf(type = 'page_view') AS views
FROM footfall.event
WHERE type != 'leave'
GROUP BY day, page;
