/** What docs/migration.md says runs, on tables as the other systems have them, and gives lines that an import takes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../contract/event.ts';
import { visitorHash } from '../contract/visitor.ts';
import { oneKey } from '../contract/visitor-key.ts';
import { formatOf, historyReader } from '../ingest/history.ts';
import { lookInto } from '../postgres/embedded.fixture.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENT = readFileSync(join(ROOT, 'docs/migration.md'), 'utf8');
const SECRET = 'a secret';
const SITE = '10000000-0000-4000-8000-000000000001';
const OTHER_SITE = '10000000-0000-4000-8000-000000000002';
const SESSION = '20000000-0000-4000-8000-000000000001';
const VISIT = '30000000-0000-4000-8000-000000000001';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'footfall-migration-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The block of the document that begins with a comment of this name. */
function block(name: string, values: Record<string, string> = {}): string {
  const [, , text] =
    new RegExp(`\`\`\`(sql|js)\\n(?:--|//) ${name}.*\\n([\\s\\S]*?)\`\`\``).exec(DOCUMENT) ?? [];
  if (text === undefined) throw new Error(`docs/migration.md has no ${name}`);
  return Object.entries(values).reduce((filled, [place, value]) => filled.replaceAll(place, value), text);
}

async function imported(lines: string[]): Promise<Event[]> {
  const read = await historyReader(formatOf(lines[0] ?? ''), oneKey(SECRET), Date.now);
  return lines.map((line) => {
    const result = read(line);
    if (!('event' in result)) throw new Error(`${line}: ${JSON.stringify(result)}`);
    return result.event;
  });
}

const visitor = (fingerprint: string) => visitorHash(fingerprint, SECRET);
const at = (instant: string) => Date.parse(instant);

describe('from PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof lookInto>>;
  beforeAll(async () => {
    server = await lookInto(join(folder, 'postgres'));
  });
  afterAll(() => server.close());

  /** As `psql -At` prints a column of JSON. */
  async function lines(query: string): Promise<string[]> {
    const { rows } = await server.database.query<{ line: string }>(
      `select line::text as line from (${query}) as made (line)`,
    );
    return rows.map(({ line }) => line);
  }

  test("umami's page views keep their ids, and nothing else of umami is one", async () => {
    // umami 3.1, prisma/schema.prisma
    await server.database.query(`
      create table website_event (event_id uuid primary key, website_id uuid, session_id uuid, visit_id uuid,
        created_at timestamptz(6), url_path varchar(500), url_query varchar(500), referrer_path varchar(500),
        referrer_query varchar(500), referrer_domain varchar(500), page_title varchar(500),
        event_type integer, event_name varchar(50), hostname varchar(100));
      create table session (session_id uuid primary key, website_id uuid, screen varchar(11), language varchar(35),
        distinct_id varchar(50));
      insert into session values ('${SESSION}', '${SITE}', '1920x1080', 'en-CA', 'user-1');
      insert into website_event values
        ('40000000-0000-4000-8000-000000000001', '${SITE}', '${SESSION}', '${VISIT}', '2026-01-05 10:00:00.25+01',
          '/news', 'utm_source=x&token=secret', '/from', 'q=1', 'example.net', E'A "title" with \\\\ and\\nmore', 1, null, 'example.org'),
        ('40000000-0000-4000-8000-000000000002', '${SITE}', '50000000-0000-4000-8000-000000000001', '${VISIT}', '2026-01-05 10:00:01Z',
          '', '', null, null, '', null, 1, null, null),
        ('40000000-0000-4000-8000-000000000003', '${SITE}', '${SESSION}', '${VISIT}', '2026-01-05 10:00:02Z', '/', null, null, null, null, null, 2, 'click', null),
        ('40000000-0000-4000-8000-000000000004', '${OTHER_SITE}', '${SESSION}', '${VISIT}', '2026-01-05 10:00:02Z', '/', null, null, null, null, null, 1, null, null),
        ('40000000-0000-4000-8000-000000000005', '${SITE}', '${SESSION}', '${VISIT}', '2026-02-01Z', '/', null, null, null, null, null, 1, null, null)`);
    const values = { WEBSITE_ID: SITE, SWITCH: '2026-02-01T00:00:00Z' };
    const events = await imported(await lines(block('umami.sql', values)));
    expect(events).toMatchObject([
      {
        ...{
          ts: at('2026-01-05T09:00:00.250Z'),
          type: 'page_view',
          event_id: '40000000-0000-4000-8000-000000000001',
        },
        ...{ visitor: visitor(`umami-${SESSION}`), session_id: VISIT, user_id: 'user-1' },
        ...{
          url: '/news?utm_source=x',
          referrer: 'https://example.net/from',
          title: 'A "title" with \\ and\nmore',
        },
        ...{ language: 'en-CA', screen: '1920x1080' },
      },
      { ts: at('2026-01-05T10:00:01Z'), url: '/', referrer: undefined, title: undefined, user_id: undefined },
    ]);
    const days = await server.database.query(block('umami-days.sql', values));
    expect(days.rows).toMatchObject([{ visitors: '2', page_views: '2' }]);
  });

  test('sessions of the Django system say when somebody came first, signed in and came last, and no page view', async () => {
    await server.database.query(`
      create table analytics_anonymoussession (id bigserial, fingerprint varchar(64) unique, session_id varchar(64), user_id bigint,
        first_seen timestamptz, last_seen timestamptz, page_views integer, converted_at timestamptz);
      insert into analytics_anonymoussession (fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at) values
        ('a', '', null, '2026-01-01Z', '2026-01-09Z', 7, null),
        ('b', 's', 4711, '2026-01-02Z', '2026-01-08Z', 7, '2026-01-04Z'),
        ('c', 's', 4712, '2026-01-03Z', '2026-01-07Z', 7, null)`);
    const events = await imported(await lines(block('django.sql', { SWITCH: '2026-02-01Z' })));
    const seen = events.map(({ ts, type, visitor, user_id }) => [
      new Date(ts ?? 0).getUTCDate(),
      type,
      visitor,
      user_id,
    ]);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => visitor(`django-${name}`));
    expect(seen).toEqual([
      [1, 'heartbeat', a, undefined],
      [2, 'heartbeat', b, undefined],
      [3, 'heartbeat', c, '4712'],
      [4, 'identify', b, '4711'],
      [7, 'heartbeat', c, '4712'],
      [8, 'heartbeat', b, '4711'],
      [9, 'heartbeat', a, undefined],
    ]);
  });
});

test("Plausible's page views, with a line each for two in one second", async () => {
  const session = new Session(join(folder, 'plausible'));
  try {
    // priv/data_migrations/NumericIDs/sql/create-events-v2.sql.eex, and the migrations after it
    session.query(`CREATE TABLE events_v2 (timestamp DateTime CODEC(Delta(4), LZ4), name LowCardinality(String), site_id UInt64,
      user_id UInt64, session_id UInt64, hostname String, pathname String CODEC(ZSTD(3)), referrer String, country_code FixedString(2),
      scroll_depth UInt8, engagement_time UInt32)
      ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) PRIMARY KEY (site_id, toDate(timestamp), name, user_id)
      ORDER BY (site_id, toDate(timestamp), name, user_id, timestamp) SAMPLE BY user_id`);
    session.query(`INSERT INTO events_v2 VALUES
      (toDateTime('2026-01-05 09:00:00', 'UTC'), 'pageview', 1, 18446744073709551615, 7, 'example.org', '/news/über "x"', 'example.net/from', 'CA', 0, 0),
      (toDateTime('2026-01-05 09:00:00', 'UTC'), 'pageview', 1, 18446744073709551615, 7, 'example.org', '/news/über "x"', 'example.net/from', 'CA', 0, 0),
      (toDateTime('2026-01-05 09:00:01', 'UTC'), 'pageview', 1, 5, 8, 'example.org', '/', '', 'CA', 0, 0),
      (toDateTime('2026-01-05 09:00:02', 'UTC'), 'engagement', 1, 5, 8, 'example.org', '/', '', 'CA', 50, 1000),
      (toDateTime('2026-01-05 09:00:03', 'UTC'), 'pageview', 2, 5, 8, 'example.org', '/', '', 'CA', 0, 0),
      (toDateTime('2026-02-01 00:00:00', 'UTC'), 'pageview', 1, 5, 8, 'example.org', '/', '', 'CA', 0, 0)`);
    const query = block('plausible.sql', { SITE_ID: '1', SWITCH: '2026-02-01 00:00:00' });
    const events = await imported(session.query(query).trim().split('\n'));
    const twice = {
      ...{
        ts: at('2026-01-05T09:00:00Z'),
        type: 'page_view',
        visitor: visitor('plausible-18446744073709551615'),
      },
      ...{ session_id: '7', url: '/news/%C3%BCber%20%22x%22', referrer: 'https://example.net/from' },
    };
    expect(events).toMatchObject([
      twice,
      twice,
      { ts: at('2026-01-05T09:00:01Z'), url: '/', visitor: visitor('plausible-5'), referrer: undefined },
    ]);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(3);
  } finally {
    session.close();
  }
});

test('rows of a CSV, but for those of nobody', async () => {
  // Beside node_modules, as the document says.
  const script = join(ROOT, `csv-to-ndjson.${process.pid}.mjs`);
  writeFileSync(script, block('csv-to-ndjson.mjs'));
  const csv = [
    '\ufeffevent_timestamp,user_pseudo_id,user_id,page_location,page_referrer,page_title',
    '1767603600250000,123.456,,https://example.org/news?utm_source=x&q=1,https://example.net/,"A ""title"", and more"',
    '1767603601000000,,,https://example.org/,,',
    '1767603602000000,123.457,user-1,https://example.org/,,',
  ];
  try {
    const made = execFileSync(process.execPath, [script], { input: csv.join('\n'), encoding: 'utf8' });
    expect(await imported(made.trim().split('\n'))).toMatchObject([
      {
        ...{ ts: at('2026-01-05T09:00:00.250Z'), visitor: visitor('ga-123.456'), url: '/news?utm_source=x' },
        ...{ referrer: 'https://example.net/', title: 'A "title", and more', user_id: undefined },
      },
      { ts: at('2026-01-05T09:00:02Z'), visitor: visitor('ga-123.457'), url: '/', user_id: 'user-1' },
    ]);
  } finally {
    rmSync(script);
  }
});

test('an access log, and the line of the document', async () => {
  const log =
    '203.0.113.7 - - [05/Jan/2026:10:00:00 +0100] "GET /news HTTP/1.1" 200 512 "https://example.net/" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"';
  expect(await imported([log])).toMatchObject([
    { ts: at('2026-01-05T09:00:00Z'), url: '/news', browser: 'Firefox' },
  ]);
  const [, line = ''] = /```json\n(.*)\n```/.exec(DOCUMENT) ?? [];
  expect(await imported([line])).toMatchObject([{ url: '/news', user_id: 'user-1' }]);
});
