-- Events of some visitors, and of a user, at places of the log before these: by day, hour of receipt and partition.
SELECT
  toString(event.day) AS day,
  toUnixTimestamp(toStartOfHour(received_at)) * 1000 AS hour,
  log_partition AS partition,
  count() AS events
FROM footfall.event
WHERE (visitor IN {visitors:Array(UInt64)} OR (user_id != '' AND user_id = unhex({user_hex:String})))
  AND log_offset < transform(log_partition, {partitions:Array(UInt16)}, {next_offsets:Array(UInt64)}, toUInt64(0))
GROUP BY event.day, hour, partition
ORDER BY event.day, hour, partition
