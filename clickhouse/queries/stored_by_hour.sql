-- Raw events by the hour of receipt and the partition of the log.
SELECT
  toUnixTimestamp(toStartOfHour(received_at)) * 1000 AS hour,
  log_partition AS partition,
  count() AS events
FROM footfall.event
WHERE received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY hour, partition
ORDER BY hour, partition
