-- Unique visitors of a division on the open day, in all communities or one, from the view.
SELECT
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views
FROM footfall.division_daily
WHERE day = {day:Date}
  AND division_id = {division_id:UUID}
  AND (empty({community_id:UUID}) OR community_id = {community_id:UUID})
