-- Unique visitors of each hour.
SELECT
  toUnixTimestamp64Milli(trend_hourly.hour) AS hour,
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views
FROM footfall.trend_hourly
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
  AND (empty({community_id:UUID}) OR community_id = {community_id:UUID})
GROUP BY trend_hourly.hour
ORDER BY hour
