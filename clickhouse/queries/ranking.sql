-- Keys of a ranked dimension by unique visitors in a range of days, a page of them, and the number of all.
-- Days of the first and the last month, and the months between as wholes; previous days of the first month that are
-- before the range, and the months before as wholes.
WITH
  toStartOfMonth({first_day:Date}) AS first_month,
  toStartOfMonth({last_day:Date}) AS last_month
SELECT
  key,
  sum(visitors) AS visitors,
  sum(authenticated) AS authenticated,
  sum(page_views) AS page_views,
  count() OVER () AS keys
FROM footfall.return_intervals
WHERE dimension = {dimension:String}
  AND day BETWEEN first_month AND {last_day:Date}
  AND (
    day_grain = 'day' AND month IN (first_month, last_month) AND day BETWEEN {first_day:Date} AND {last_day:Date}
    OR day_grain = 'month' AND month > first_month AND month < last_month
  )
  AND (
    previous_grain = 'day' AND previous_month = first_month AND previous_day < {first_day:Date}
    OR previous_grain = 'month' AND previous_day < first_month
  )
GROUP BY key
ORDER BY visitors DESC, page_views DESC, key
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
