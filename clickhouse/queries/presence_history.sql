-- The highest number of visitors online in each step of minutes, steps counted back from the last. A scope without a row
-- in a minute that was noted had nobody.
SELECT
  intDiv(toInt64({to:Int64}) - toUnixTimestamp(minute) * 1000 - 60000, {step_minutes:Int64} * 60000) AS steps_ago,
  maxIf(presence_minute.visitors, scope = {scope:String}) AS visitors
FROM footfall.presence_minute
WHERE scope IN ({scope:String}, 'site')
  AND minute >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND minute < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY steps_ago
