-- Known countries by unique visitors.
SELECT
  country,
  uniqExactMerge(visitor_set) AS visitors
FROM footfall.country_daily
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
  AND country != ''
GROUP BY country
ORDER BY visitors DESC, country
LIMIT {limit:UInt32}
