-- Visitors with an event of a user, whose id is bound as hex digits, since it may be any text.
SELECT DISTINCT toString(event.visitor) AS visitor
FROM footfall.event
WHERE user_id = unhex({user_hex:String})
