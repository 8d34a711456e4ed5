/** Lines of history: NDJSON of beacons with their own `ts`, or an nginx/Apache combined log. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Event } from '../contract/event.ts';
import type { VisitorKeys } from '../contract/visitor-key.ts';
import { type BrowserProfile, browserProfiles } from './browser.ts';
import { countryLookup } from './country.ts';
import { eventMaker } from './event-of.ts';
import { checkBeacon } from './validation.ts';

export const FORMATS = ['ndjson', 'combined'] as const;
export type Format = (typeof FORMATS)[number];

/** Why a line gives no event. A `refused` line is broken; a `skipped` one is not a page view of a person. */
export type LineResult = { event: Event } | { skipped: SkipReason } | { refused: string };
const SKIP_REASONS = ['not_a_page', 'failed_request', 'bot'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What a line says of its visitor beside the beacon. */
type LineFacts = { country?: string | undefined } & BrowserProfile['facts'];

const FUTURE_TOLERANCE_MS = 60_000;
const REMEMBERED_LINES = 100_000;
const HASHED_FROM = 512;

export function formatOf(firstLine: string): Format {
  return firstLine.trimStart().startsWith('{') ? 'ndjson' : 'combined';
}

/** Reads lines of one file, in order. The same file gives the same event ids each time: importing twice counts once. */
export async function historyReader(
  format: Format,
  keys: VisitorKeys,
  now: () => number,
): Promise<(line: string) => LineResult> {
  const toEvent = eventMaker();
  const profileOf = browserProfiles();
  const countryOf = await countryLookup();
  const occurrences = new LRUCache<string, number>({ max: REMEMBERED_LINES });

  /** From the line and how often it stood in the file before: access logs repeat lines within a second. */
  function eventId(line: string): string {
    // Of a long one its hash, so that what is remembered is bounded.
    const key = line.length > HASHED_FROM ? createHash('sha256').update(line).digest('base64') : line;
    const occurrence = (occurrences.get(key) ?? 0) + 1;
    occurrences.set(key, occurrence);
    const hex = createHash('sha256').update(`${occurrence}\n${line}`).digest('hex');
    // RFC 9562, version 8: a UUID of our own making.
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  function check(
    value: unknown,
    instant: number,
    line: string,
    { country, ...browser }: LineFacts,
  ): LineResult {
    if (!Number.isFinite(instant) || instant < 0) return { refused: 'ts must be an ISO 8601 date and time' };
    if (instant > now() + FUTURE_TOLERANCE_MS) return { refused: 'ts lies in the future' };
    const parsed = checkBeacon(value);
    if ('rejection' in parsed) return { refused: parsed.rejection.message };
    const [beacon] = parsed.beacons;
    if (beacon === undefined) return { refused: 'there is no beacon' };
    const identified = { ...beacon, event_id: beacon.event_id ?? eventId(line) };
    const key = keys.at(instant);
    if (key === undefined) return { refused: 'there is no key for its day' };
    return { event: { ...toEvent(identified, key, now(), country, browser), ts: instant } };
  }

  function readBeacon(line: string): LineResult {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      return { refused: error instanceof Error ? `not JSON: ${error.message}` : 'not JSON' };
    }
    const ts = typeof value === 'object' && value !== null && 'ts' in value ? value.ts : undefined;
    return check(value, isoInstant(ts), line, {});
  }

  function readRequest(line: string): LineResult {
    const request = COMBINED.exec(line)?.groups;
    if (request === undefined) return { refused: 'is not in the combined log format' };
    const {
      address = '',
      user = '-',
      time = '',
      method,
      target = '',
      status = '',
      referrer = '-',
      agent = '',
    } = request;
    const { isBot, facts } = profileOf(agent);
    if (isBot) return { skipped: 'bot' };
    if (!/^(2\d\d|304)$/.test(status)) return { skipped: 'failed_request' };
    if (method !== 'GET' || ASSET.test(target.split('?', 1)[0] ?? '')) return { skipped: 'not_a_page' };
    const beacon = {
      url: target,
      fingerprint: createHash('sha256').update(`${address}\n${agent}`).digest('hex'),
      ...(user === '-' ? {} : { user_id: user }),
      ...(referrer === '-' ? {} : { referrer }),
    };
    return check(beacon, commonLogInstant(time), line, { country: countryOf(address), ...facts });
  }

  return format === 'ndjson' ? readBeacon : readRequest;
}

const COMBINED =
  /^(?<address>\S+) \S+ (?<user>\S+) \[(?<time>[^\]]+)\] "(?<method>[A-Z]+) (?<target>\S+)[^"]*" (?<status>\d{3}) \S+ "(?<referrer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)"/;
const ASSET =
  /\.(css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp4|webm|mp3|json|xml|txt|pdf|zip|gz)$/i;

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

function isoInstant(ts: unknown): number {
  return typeof ts === 'string' && ISO.test(ts) ? Date.parse(ts) : Number.NaN;
}

/** `10/Oct/2025:13:55:36 -0700`, as both servers write it. */
function commonLogInstant(time: string): number {
  const [, day, month, year, clock, zone] =
    /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})$/.exec(time) ?? [];
  return Date.parse(`${day} ${month} ${year} ${clock} ${zone}`);
}
