-- Event ids of a partition of the log received lately.
SELECT
  toString(event.event_id) AS event_id,
  toString(event.visitor) AS visitor,
  toUnixTimestamp64Milli(event.received_at) AS received_at
FROM footfall.event
WHERE log_partition = {partition:UInt16}
  AND log_offset < {before_offset:UInt64}
  AND event.received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND notEmpty(event.event_id)
