/** Makes the event of a beacon: hashed visitor, clean address, and what the request alone can tell. */
import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Beacon } from '../contract/beacon.ts';
import type { Event } from '../contract/event.ts';
import { idHash, visitorHash } from '../contract/visitor.ts';
import type { VisitorKey } from '../contract/visitor-key.ts';
import type { BrowserProfile } from './browser.ts';
import { storedReferrer } from './page-address.ts';

const CACHED_VISITORS = 100_000;
const MAX_TITLE_LENGTH = 512;

export type EventMaker = (
  beacon: Beacon,
  key: VisitorKey,
  receivedAt: number,
  country: string | undefined,
  browser: BrowserProfile['facts'],
) => Event;

export function eventMaker(): EventMaker {
  const visitorOf = rememberedHash();
  const visitorBefore = rememberedHash();

  return (beacon, key, receivedAt, country, { browser, os, device }) => {
    const { session_id, user_id, community_id, division_id, referrer, title, language, screen } = beacon;
    const idOf = (id: string) => (key.hidesIds ? idHash(id, key.secret) : id);
    return {
      type: beacon.type ?? 'page_view',
      received_at: receivedAt,
      ts: undefined,
      visitor: visitorOf(beacon.fingerprint, key.secret),
      visitor_before: key.previous && visitorBefore(beacon.fingerprint, key.previous),
      url: beacon.url,
      // Also where the sender has none: a frame may reach the log twice, by way of the spool, and counts once.
      event_id: beacon.event_id ? beacon.event_id.toLowerCase() : randomUUID(),
      late: beacon.late || undefined,
      session_id: session_id ? idOf(session_id) : undefined,
      user_id: user_id ? idOf(user_id) : undefined,
      community_id: community_id ? community_id.toLowerCase() : undefined,
      division_id: division_id ? division_id.toLowerCase() : undefined,
      referrer: referrer ? storedReferrer(referrer) : undefined,
      title: title ? cut(title, MAX_TITLE_LENGTH) : undefined,
      language: language || undefined,
      screen: screen || undefined,
      country: country || undefined,
      browser: browser || undefined,
      os: os || undefined,
      device: device || undefined,
    };
  };
}

/** Under one secret at a time. */
function rememberedHash(): typeof visitorHash {
  const visitors = new LRUCache<string, string>({ max: CACHED_VISITORS });
  let known: string | undefined;

  return (fingerprint, secret) => {
    if (secret !== known) {
      visitors.clear();
      known = secret;
    }
    let visitor = visitors.get(fingerprint);
    if (visitor === undefined) {
      visitor = visitorHash(fingerprint, secret);
      visitors.set(fingerprint, visitor);
    }
    return visitor;
  };
}

/** Never half of a surrogate pair. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

/**
 * The partition of a visitor, from the number that the first eight digits of its hash are: all of a visitor's events stay in order in
 * one of them, also while a new secret follows another. Read digit by digit, since `parseInt` leaves compiled code.
 */
export function partitionOf(event: Pick<Event, 'visitor' | 'visitor_before'>, partitions: number): number {
  const visitor = event.visitor_before ?? event.visitor;
  let number = 0;
  for (let i = 0; i < 8; i++) {
    const code = visitor.charCodeAt(i);
    number = number * 16 + (code <= NINE ? code - ZERO : code - A + 10);
  }
  return number % partitions;
}

const [ZERO, NINE, A] = [0x30, 0x39, 0x61];
