-- A page of pages, those with most visitors first, and the number of all pages.
SELECT
  page,
  uniqExactMerge(visitor_set) AS visitors,
  uniqExactMerge(authenticated_set) AS authenticated,
  sum(views) AS page_views,
  count() OVER () AS pages
FROM footfall.page_daily
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY page
ORDER BY visitors DESC, page_views DESC, page
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
