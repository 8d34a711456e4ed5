-- Last sign of life of each visitor in each community, unless the visitor left afterwards: a leave is for all of them.
WITH
  fromUnixTimestamp64Milli({since:Int64}, 'UTC') AS since_at,
  recent AS (
    SELECT visitor, community_id, type, happened_at, (happened_at, log_offset, log_index) AS place
    FROM footfall.event
    WHERE day >= toDate(since_at) - 1 AND received_at >= since_at AND happened_at >= since_at
  ),
  departure AS (SELECT visitor, max(place) AS left_at FROM recent WHERE type = 'leave' GROUP BY visitor)
SELECT
  toString(recent.visitor) AS visitor,
  toString(recent.community_id) AS community_id,
  max(toUnixTimestamp64Milli(happened_at)) AS last_seen
FROM recent
LEFT JOIN departure ON departure.visitor = recent.visitor
WHERE type != 'leave' AND place > left_at
GROUP BY recent.visitor, recent.community_id
