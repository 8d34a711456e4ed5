-- A page of the pages of the open day, those with most visitors first, and the number of all pages, from the view.
SELECT
  page AS key,
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views,
  count() OVER () AS keys
FROM footfall.page_daily
WHERE day = {day:Date}
GROUP BY page
ORDER BY visitors DESC, page_views DESC, key
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
