-- Events of a partition of the log received lately that have some ids.
SELECT
  toString(event.event_id) AS event_id,
  toString(event.visitor) AS visitor,
  toUnixTimestamp64Milli(event.received_at) AS received_at
FROM footfall.event
WHERE log_partition = {partition:UInt16}
  AND log_offset < {before_offset:UInt64}
  AND event.received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND event.event_id IN {event_ids:Array(UUID)}
