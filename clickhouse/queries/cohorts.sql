-- Visitors who were new in each week of a range, by its Monday, and how many of them came n weeks later; 0 is the week itself.
WITH
  toMonday(return_intervals.day) AS week,
  toDateOrZero(key) AS first_week
SELECT
  key AS cohort,
  intDiv(toInt32(week) - toInt32(first_week), 7) AS weeks_later,
  sumIf(return_intervals.visitors, previous_day < week) AS visitors
FROM footfall.return_intervals
WHERE dimension = 'cohort'
  AND key BETWEEN {first_week:String} AND {last_week:String}
  AND return_intervals.day BETWEEN {first_week:Date} AND {last_day:Date}
GROUP BY cohort, weeks_later
HAVING weeks_later <= {weeks:UInt32}
ORDER BY cohort, weeks_later
