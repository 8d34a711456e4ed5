import { expect, test } from 'vitest';
import { apiDocument } from './api-document.fixture.ts';
import { BASE_PATH, ENDPOINTS } from './routes.ts';

const HEAD = `
# The query API

Made of what stands beside the routes; \`npx vitest run query-api/api-document.test.ts -u\` writes it again. A running installation has the same at
\`/api/analytics/docs\`, and for machines at \`/api/analytics/openapi.json\`.

- **Who asks:** \`Authorization: Bearer TOKEN\`, a JWT with \`exp\` and the claim \`is_staff\` or \`is_moderator\`. 401 without a valid one, 403 without the claim.
- **Days** are inclusive days of the reporting zone (\`settings/\` names it). Without dates: the last 30 days ending today. At most ten years.
- **Errors** have a body \`{"error", "message"}\`, and \`field\` and \`rule\` where a parameter is wrong (400). 404 for what is not there, 405 with \`Allow\`, 429 and 503 with
  \`Retry-After\`. Every answer has an id in \`X-Request-Id\`, which the log has as well.
- **Limits:** 1000 requests an hour a user, 100 an address without a token; \`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\` say what is left.
- **Caching:** \`ETag\` and \`If-None-Match\`. Results of ranges that ended before today are kept for a minute.
- **Unique visitors** are exact. Averages and rates have one decimal, and are 0 of no visitors.

## Sockets

\`/ws/analytics/visitors/\` and \`/ws/analytics/dashboard/\`, with \`?community_id=UUID\` for one community. The token as \`?token=JWT\`, or as the subprotocols \`bearer, JWT\`. A page's origin has to
be the API's own or in \`CORS_ALLOWED_ORIGINS\`. Messages are JSON; what a client sends that is not \`{"type":"request_count"}\` is ignored.

| \`type\` | from | what |
| --- | --- | --- |
| \`visitor_count\` | server | \`count\`: how many are online; at once, then at most four times a second |
| \`visitor_joined\`, \`visitor_left\` | server | \`visitor\`: \`id\`, \`timestamp\`; above 50 a second some of them, and then \`sampled\` is true |
| \`dashboard_update\` | server, of the dashboard's | \`online\`, \`visitors_today\` (by HyperLogLog: about 1 % off), \`page_views_today\`, \`timestamp\`; once a second |
| \`request_count\` | client | asks for a \`visitor_count\` |

## Endpoints
`;

test('docs/api.md has every endpoint, its parameters and what it answers', async () => {
  await expect(apiDocument(ENDPOINTS, BASE_PATH, HEAD)).toMatchFileSnapshot('../docs/api.md');
});
