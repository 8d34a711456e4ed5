-- Unique visitors of the open day, from the view.
SELECT
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views
FROM footfall.trend_daily
WHERE day = {day:Date}
  AND (empty({community_id:UUID}) OR community_id = {community_id:UUID})
