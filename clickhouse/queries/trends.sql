-- Unique visitors of each day, week (by its Monday) or month of one key; of the days inside the range alone. Who is new
-- had never come to the key before.
WITH toDate(dateTrunc({interval:String}, return_intervals.day)) AS first_of_bucket
SELECT
  toString(first_of_bucket) AS bucket,
  sumIf(return_intervals.visitors, previous_day < greatest(first_of_bucket, {first_day:Date})) AS visitors,
  sumIf(return_intervals.authenticated, previous_day < greatest(first_of_bucket, {first_day:Date})) AS authenticated,
  sumIf(return_intervals.visitors, previous_day = toDate(0)) AS new_visitors,
  sum(return_intervals.page_views) AS page_views
FROM footfall.return_intervals
WHERE dimension = {dimension:String} AND key = {key:String}
  AND return_intervals.day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY first_of_bucket
