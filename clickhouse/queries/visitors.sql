-- Unique visitors of a range; those of no known division have rows of division_daily too.
SELECT
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views
FROM footfall.division_daily
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
  AND (empty({community_id:UUID}) OR community_id = {community_id:UUID})
  AND (empty({division_id:UUID}) OR division_id = {division_id:UUID})
