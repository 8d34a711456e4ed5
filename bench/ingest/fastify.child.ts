/**
 * The collector that most would write: Fastify checks a beacon by the same schema, the same libraries hash it and tell bot,
 * browser and country, and a batching producer, as that of kafkajs, appends what came within 5 ms. Its log is the cheapest durable
 * one there is: a file, synchronised before the answer.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import Bowser from 'bowser';
import fastify from 'fastify';
import { isbot } from 'isbot';
import { type CountryResponse, open as openCountries } from 'maxmind';
import { Beacon, MAX_BEACONS_PER_REQUEST, MAX_BODY_BYTES } from '../../contract/beacon.ts';

const LINGER_MS = 5;
const SECRET = 'a secret of the bench';

const countries = await openCountries<CountryResponse & { country_code?: string }>(
  createRequire(import.meta.url).resolve(
    '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  ),
  { cache: { max: 20_000 } },
);
const file = await open(`${process.env.DATA_DIR}/events.ndjson`, 'a');
const produce = producer(file);
const profiles = new Map<string, object>();

const app = fastify({ trustProxy: '127.0.0.1', bodyLimit: MAX_BODY_BYTES });
app.removeContentTypeParser('text/plain');
app.addContentTypeParser(/^text\/plain/, { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
app.get('/readyz', async () => 'ok');
app.post<{ Body: Beacon | Beacon[] }>(
  '/e',
  {
    schema: {
      body: { anyOf: [Beacon, { type: 'array', maxItems: MAX_BEACONS_PER_REQUEST, items: Beacon }] },
    },
  },
  async ({ body, headers, ip }, reply) => {
    reply.code(202).headers({ 'Access-Control-Allow-Origin': '*' });
    const userAgent = headers['user-agent'] ?? '';
    if (isbot(userAgent) || headers.dnt === '1' || headers['sec-gpc'] === '1') return;
    const facts = {
      received_at: Date.now(),
      country: countries.get(ip)?.country_code,
      ...profileOf(userAgent),
    };
    await produce([body].flat().map((beacon) => `${JSON.stringify({ ...eventOf(beacon), ...facts })}\n`));
  },
);
await app.listen({ host: '127.0.0.1', port: Number(process.env.INGEST_PORT) });
process.once('SIGTERM', () => process.exit());

function eventOf({ fingerprint, url, referrer, ...beacon }: Beacon) {
  const from = referrer === undefined ? undefined : new URL(referrer);
  return {
    event_id: randomUUID(),
    ...beacon,
    url: new URL(url, 'http://page').pathname,
    referrer: from && from.origin + from.pathname,
    visitor: createHmac('sha256', SECRET).update(fingerprint).digest('hex'),
  };
}

function profileOf(userAgent: string): object {
  let profile = profiles.get(userAgent);
  if (profile === undefined) {
    const { browser, os, platform } = Bowser.parse(userAgent);
    profile = { browser: browser.name, os: os.name, device: platform.type };
    profiles.set(userAgent, profile);
  }
  return profile;
}

function producer(to: FileHandle): (lines: string[]) => Promise<void> {
  let waiting: string[] = [];
  let batch: Promise<void> | undefined;
  let last = Promise.resolve();

  async function send(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    batch = undefined;
    const lines = waiting;
    waiting = [];
    await last;
    last = to.write(lines.join('')).then(() => to.datasync());
    await last;
  }
  return (lines) => {
    waiting.push(...lines);
    batch ??= send();
    return batch;
  };
}
