-- Visitors of a day, one row a visitor and community.
SELECT DISTINCT
  toString(event.visitor) AS visitor,
  toString(event.community_id) AS community_id
FROM footfall.event
WHERE day = {day:Date} AND type != 'leave'
