-- What the derived tables were made of, by the hour of receipt and the partition of the log.
SELECT
  toUnixTimestamp(log_hourly.hour) * 1000 AS hour,
  log_partition AS partition,
  sum(events) AS events
FROM footfall.log_hourly
WHERE log_hourly.hour >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND log_hourly.hour < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY hour, partition
ORDER BY hour, partition
