-- Unique visitors of each known type of division.
SELECT
  division_type,
  uniqExactMerge(visitor_set) AS visitors
FROM footfall.division_daily
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
  AND division_type != ''
GROUP BY division_type
ORDER BY visitors DESC, division_type
