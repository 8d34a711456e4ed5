-- Known divisions of the open day by unique visitors, and the unique visitors of all of them together, from the view.
SELECT
  toString(division_id) AS key,
  uniqExactMerge(visitor_set) AS visitors,
  (
    SELECT uniqExactMerge(visitor_set)
    FROM footfall.division_daily
    WHERE day = {day:Date} AND notEmpty(division_daily.division_id)
  ) AS known_visitors
FROM footfall.division_daily
WHERE day = {day:Date}
  AND notEmpty(division_daily.division_id)
GROUP BY division_daily.division_id
ORDER BY visitors DESC, sum(views) DESC, key
LIMIT {limit:UInt32}
