-- Events of some visitors, and of a user, in the order of the log, from a place on.
SELECT
  log_partition, log_offset, log_index,
  toString(event.event_id) AS event_id,
  type,
  toUnixTimestamp64Milli(event.received_at) AS received_at,
  toUnixTimestamp64Milli(event.happened_at) AS happened_at,
  toString(event.visitor) AS visitor,
  session_id, user_id,
  toString(event.community_id) AS community_id,
  toString(event.division_id) AS division_id,
  url, referrer, title, language, screen, country, browser, os, device
FROM footfall.event
WHERE (visitor IN {visitors:Array(UInt64)} OR (user_id != '' AND user_id = unhex({user_hex:String})))
  AND (log_partition, log_offset, log_index) >= ({partition:UInt16}, {offset:UInt64}, {index:UInt16})
ORDER BY log_partition, log_offset, log_index
LIMIT {limit:UInt32}
