select salt from visitor_salt order by day desc
