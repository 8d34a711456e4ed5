-- Which of some event ids raw has on some days, outside some ranges of offsets.
SELECT DISTINCT toString(event.event_id) AS event_id
FROM footfall.event
WHERE day IN {days:Array(Date)}
  AND event.event_id IN {event_ids:Array(UUID)}
  AND NOT arrayExists(
    range -> log_partition = range.1 AND log_offset >= range.2 AND log_offset < range.3,
    {except:Array(Tuple(UInt16, UInt64, UInt64))}
  )
