-- Unique visitors of each week, by its Monday; of the days inside the range alone.
SELECT
  toString(toMonday(day)) AS bucket,
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views
FROM footfall.trend_daily
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
  AND (empty({community_id:UUID}) OR community_id = {community_id:UUID})
GROUP BY bucket
ORDER BY bucket
