-- Unique visitors of one key in a range of days: whoever came came once for the first time.
SELECT
  sumIf(visitors, previous_day < {first_day:Date}) AS visitors,
  sumIf(authenticated, previous_day < {first_day:Date}) AS authenticated,
  sum(page_views) AS page_views
FROM footfall.return_intervals
WHERE dimension = {dimension:String} AND key = {key:String}
  AND day BETWEEN {first_day:Date} AND {last_day:Date}
