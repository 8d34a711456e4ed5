-- Known divisions by unique visitors, and the unique visitors of all of them together.
SELECT
  toString(division_id) AS division_id,
  uniqExactMerge(visitor_set) AS visitors,
  (
    SELECT uniqExactMerge(visitor_set)
    FROM footfall.division_daily
    WHERE day BETWEEN {first_day:Date} AND {last_day:Date} AND notEmpty(division_daily.division_id)
  ) AS known_visitors
FROM footfall.division_daily
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
  AND notEmpty(division_daily.division_id)
GROUP BY division_daily.division_id
ORDER BY visitors DESC, division_id
LIMIT {limit:UInt32}
