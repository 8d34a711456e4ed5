-- Visitors of a community by day, of its own division and of others; who came as both counts in both.
SELECT
  toString(return_intervals.day) AS day,
  sumIf(visitors, key = concat({community_id:String}, '/same')) AS same_division,
  sumIf(visitors, key = concat({community_id:String}, '/cross')) AS cross_division
FROM footfall.return_intervals
WHERE dimension = 'relation'
  AND key IN (concat({community_id:String}, '/same'), concat({community_id:String}, '/cross'))
  AND return_intervals.day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY return_intervals.day
ORDER BY day
