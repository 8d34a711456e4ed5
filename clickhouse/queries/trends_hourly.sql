-- Unique visitors of each hour of the site, or of a community, whose keys begin with its id.
SELECT
  substring(return_intervals.key, length({prefix:String}) + 1) AS bucket,
  sum(return_intervals.visitors) AS visitors,
  sum(return_intervals.authenticated) AS authenticated,
  sumIf(return_intervals.visitors, previous_day = toDate(0)) AS new_visitors,
  sum(return_intervals.page_views) AS page_views
FROM footfall.return_intervals
WHERE dimension = {dimension:String} AND startsWith(return_intervals.key, {prefix:String})
  AND return_intervals.day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY bucket
