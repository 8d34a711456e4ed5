-- When events of a partition of the log with some ids were received.
SELECT
  toString(event.event_id) AS event_id,
  toString(event.visitor) AS visitor,
  toUnixTimestamp64Milli(event.received_at) AS received_at
FROM footfall.event
WHERE log_partition = {partition:UInt16}
  AND log_offset < {before_offset:UInt64}
  AND event.event_id IN {event_ids:Array(UUID)}
