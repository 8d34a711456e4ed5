/** Makes the event of a beacon: hashed visitor, clean address, and what the request alone can tell. */
import { createHmac, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Beacon, MAX_STORED_URL_LENGTH } from '../contract/beacon.ts';
import type { Event } from '../contract/event.ts';

/** What is true of every beacon of a request. */
export interface RequestFacts {
  receivedAt: number;
  country?: string | undefined;
  browser?: string | undefined;
  os?: string | undefined;
  device?: string | undefined;
}

const CACHED_VISITORS = 50_000;
const MAX_REFERRER_LENGTH = 500;
const MAX_TITLE_LENGTH = 512;

export function eventMaker(fingerprintSecret: string): (beacon: Beacon, facts: RequestFacts) => Event {
  const visitors = new LRUCache<string, string>({ max: CACHED_VISITORS });

  function visitorOf(fingerprint: string): string {
    let visitor = visitors.get(fingerprint);
    if (visitor === undefined) {
      visitor = createHmac('sha256', fingerprintSecret).update(fingerprint).digest('hex');
      visitors.set(fingerprint, visitor);
    }
    return visitor;
  }

  return (beacon, facts) => {
    const event: Event = {
      type: beacon.type ?? 'page_view',
      received_at: facts.receivedAt,
      visitor: visitorOf(beacon.fingerprint),
      url: storedUrl(beacon.url),
      // Also where the sender has none: a frame may reach the log twice, by way of the spool, and counts once.
      event_id: beacon.event_id ? beacon.event_id.toLowerCase() : randomUUID(),
    };
    if (beacon.late) event.late = true;
    if (beacon.session_id) event.session_id = beacon.session_id;
    if (beacon.user_id) event.user_id = beacon.user_id;
    if (beacon.community_id) event.community_id = beacon.community_id.toLowerCase();
    if (beacon.division_id) event.division_id = beacon.division_id.toLowerCase();
    if (beacon.referrer) event.referrer = storedReferrer(beacon.referrer);
    if (beacon.title) event.title = cut(beacon.title, MAX_TITLE_LENGTH);
    if (beacon.language) event.language = beacon.language;
    if (beacon.screen) event.screen = beacon.screen;
    if (facts.country) event.country = facts.country;
    if (facts.browser) event.browser = facts.browser;
    if (facts.os) event.os = facts.os;
    if (facts.device) event.device = facts.device;
    return event;
  };
}

/**
 * Path plus the query parameters that name a campaign: anything else in a query may be personal. Of fragments those that are a
 * path, too, as applications have them that route by the fragment: others say where on a page, or hold tokens.
 */
function storedUrl(url: string): string {
  const { pathname, search, searchParams, hash } = new URL(url, 'http://page');
  const page = /^#!?\//.test(hash) ? pathname + hash.replace(/\?.*/, '') : pathname;
  if (search === '') return page.slice(0, MAX_STORED_URL_LENGTH);
  const kept = new URLSearchParams();
  for (const [name, value] of searchParams) {
    if (name === 'ref' || name.startsWith('utm_')) kept.append(name, value);
  }
  const query = kept.size === 0 ? '' : `?${kept}`;
  return `${page}${query}`.slice(0, MAX_STORED_URL_LENGTH);
}

/** Never half of a surrogate pair. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

/** Origin and path of the page before; nothing where it is not an address. */
function storedReferrer(referrer: string): string {
  if (!URL.canParse(referrer)) return '';
  const { origin, pathname, protocol } = new URL(referrer);
  return /^https?:$/.test(protocol) ? `${origin}${pathname}`.slice(0, MAX_REFERRER_LENGTH) : '';
}

/** The partition of a visitor: all of a visitor's events stay in order in one of them. */
export function partitionOf(visitor: string, partitions: number): number {
  return Number.parseInt(visitor.slice(0, 8), 16) % partitions;
}
