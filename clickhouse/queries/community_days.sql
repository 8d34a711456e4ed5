-- Visitors of a community by day, of its own division and of others; who came as both counts in both.
SELECT
  toString(community_daily.day) AS day,
  uniqExactMergeIf(visitor_set, relation = 'same') AS same_division,
  uniqExactMergeIf(visitor_set, relation = 'cross') AS cross_division
FROM footfall.community_daily
WHERE community_daily.day BETWEEN {first_day:Date} AND {last_day:Date}
  AND community_id = {community_id:UUID}
GROUP BY community_daily.day
ORDER BY day
