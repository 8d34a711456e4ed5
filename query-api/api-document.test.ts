import { expect, test } from 'vitest';
import { apiDocument, beaconTable, outcomeTable } from './api-document.fixture.ts';
import { BASE_PATH, ENDPOINTS } from './routes.ts';

const HEAD = `
# The API

Made of what stands beside the routes, and of the contract; \`npx vitest run query-api/api-document.test.ts -u\` writes it again. A running installation has the part of the query API at
\`/api/analytics/docs\`, and for machines at \`/api/analytics/openapi.json\`.

## The collector

At \`http://127.0.0.1:8080\` where nothing else is set (\`INGEST_PORT\`). It needs no token; pages of every origin may send. \`/beacon.js\` is the [script for pages](../README.md#the-beacon), which does all of this by itself.

### \`POST /e\`

One beacon, or an array of 1 to 100, as JSON of at most 64 KiB, with \`Content-Type: application/json\` or \`text/plain\` (which browsers send to other origins without asking first).

\`\`\`sh
curl -i -A 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' -H 'Content-Type: application/json' -d '{"url":"https://example.org/hello","fingerprint":"my-first-visitor"}' http://127.0.0.1:8080/e
\`\`\`

\`\`\`
HTTP/1.1 202 Accepted
X-Footfall: accepted
\`\`\`

${beaconTable()}

Fields that are not named here are ignored. Where something is optional, it is left out, not null. Of \`url\` the path is kept, and of its query what names a campaign (\`ref\`, \`utm_...\`);
of its fragment only a path (\`#/page\`).

- \`page_view\` is a page view of a visitor. \`heartbeat\` says that the visitor is still there: who is silent is offline after a while. \`identify\` says who the visitor is, as soon as that
  is known, and is no page view. Each of them counts the visitor for the day; \`leave\` only ends being online.
- **What got no answer, 429 or 503 is sent again, with the same \`event_id\`**: it counts once. A repeat is known for ten minutes; where it says \`"late": true\`, as it has to from five
  minutes after the first sending, for a week.
  429 and 503 have \`Retry-After\`, in seconds.

What became of all beacons of a request, by status and header:

${outcomeTable()}

202 has no body; the others have \`{"error", "message"}\` as JSON, in which \`error\` is what \`X-Footfall\` says, and but for \`overloaded\` an id in \`X-Request-Id\`, which the log has as well. 500 is a bug, and has only the id.
One beacon that breaks a rule refuses the whole array:

\`\`\`sh
curl -i -A 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' -H 'Content-Type: application/json' -d '[{"url":"/a","fingerprint":"my-first-visitor"},{"url":"/b","fingerprint":"short"}]' http://127.0.0.1:8080/e
\`\`\`

\`\`\`
HTTP/1.1 400 Bad Request
X-Footfall: invalid_beacon
{"error":"invalid_beacon","message":"beacon 1: fingerprint must not have fewer than 8 characters","field":"fingerprint","index":1,"rule":"must not have fewer than 8 characters"}
\`\`\`

### \`GET /pixel.gif\`

One beacon by the address of an image: its parameters are the fields above, but for \`late\`. Without \`url\` it is the page that \`Referer\` names; without \`fingerprint\` there is one
for the day, made of address and browser. Answers 200 with an image where \`POST /e\` answers 202, and the same refusals.

\`\`\`sh
curl -i -o /dev/null -D - -A 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' 'http://127.0.0.1:8080/pixel.gif?url=/page'
\`\`\`

\`\`\`
HTTP/1.1 200 OK
X-Footfall: accepted
Content-Type: image/gif
\`\`\`

## The query API

- **Who asks:** \`Authorization: Bearer TOKEN\`, a JWT with \`exp\` and the claim \`is_staff\` or \`is_moderator\`. 401 without a valid one, 403 without the claim.
- **Days** are inclusive days of the reporting zone (\`settings/\` names it). Without dates: the last 30 days ending today. At most ten years.
- **Errors** have a body \`{"error", "message"}\`, and \`field\` and \`rule\` where a parameter is wrong or not known (400). 404 for what is not there, 405 with \`Allow\`, 429 and 503 with
  \`Retry-After\`. Every answer has an id in \`X-Request-Id\`, which the log has as well.
- **Limits:** 1000 requests an hour a user, 100 an address without a token; \`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\` say what is left.
- **Caching:** \`ETag\` and \`If-None-Match\`. Results of ranges that ended before today are kept for a minute.
- **Unique visitors** are exact. Averages and rates have one decimal, and are 0 of no visitors.

\`\`\`sh
curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8000/api/analytics/visitors/?start_date=2026-01-01&end_date=2026-01-31'
\`\`\`

\`\`\`json
{"total_visitors":2,"authenticated_visitors":1,"anonymous_visitors":1,"conversion_rate":50,"total_page_views":3,"avg_page_views_per_visitor":1.5}
\`\`\`

\`npm run footfall -- token --staff\` makes a token; the start prints one.

## Sockets

\`/ws/analytics/visitors/\` and \`/ws/analytics/dashboard/\`, with \`?community_id=UUID\` for one community. The token as \`?token=JWT\`, or as the subprotocols \`bearer, JWT\`. A page's origin has to
be the API's own or in \`CORS_ALLOWED_ORIGINS\`. Messages are JSON; what a client sends that is not \`{"type":"request_count"}\` is ignored.

| \`type\` | from | what |
| --- | --- | --- |
| \`visitor_count\` | server | \`count\`: how many are online; at once, then at most four times a second |
| \`visitor_joined\`, \`visitor_left\` | server | \`visitor\`: \`id\`, \`timestamp\`; above 50 a second some of them, and then \`sampled\` is true |
| \`dashboard_update\` | server, of the dashboard's | \`online\`, \`visitors_today\` (by HyperLogLog: about 1 % off), \`page_views_today\`, \`timestamp\`; once a second, of which the page views are read again every five seconds, so they follow later |
| \`request_count\` | client | asks for a \`visitor_count\` |

## Endpoints
`;

test('docs/api.md has every endpoint, field and outcome of both APIs', async () => {
  await expect(apiDocument(ENDPOINTS, BASE_PATH, HEAD)).toMatchFileSnapshot('../docs/api.md');
});
