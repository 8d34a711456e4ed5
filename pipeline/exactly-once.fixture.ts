/** What the stores must hold after a log was counted, computed from the log the plain way, and the comparison. */
import { expect } from 'vitest';
import { NIL_UUID } from '../clickhouse/port.ts';
import type { VisitorCounts } from '../clickhouse/queries.ts';
import { type Event, happenedAt } from '../contract/event.ts';
import { visitorNumber } from '../contract/visitor.ts';
import { append, event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import type { RawRow, SessionRow } from './stores.fixture.ts';
import type { System } from './system.fixture.ts';

const WEEK = 7 * 24 * 60 * MINUTE;

interface Written {
  place: string;
  event: Event;
}

/** Writes frames and keeps what is written, by partition in the order of the log. */
export class Ledger {
  readonly #system: System;
  readonly #written = new Map<number, Written[]>();
  readonly #offsets = new Map<number, number>();

  readonly #knownAs: (event: Event) => Event;

  /** @param knownAs what an event that is written now comes to, where that is another visitor's */
  constructor(system: System, knownAs = (event: Event) => event) {
    this.#system = system;
    this.#knownAs = knownAs;
  }

  async append(partition: number, ...events: Event[]): Promise<void> {
    await append(this.#system.log, partition, ...events);
    const offset = this.#offsets.get(partition) ?? 0;
    this.#offsets.set(partition, offset + 1);
    const written = this.#written.get(partition) ?? [];
    for (const [index, event] of events.entries()) {
      written.push({ place: `${partition}:${offset}:${index}`, event: this.#knownAs(event) });
    }
    this.#written.set(partition, written);
  }

  /** Raw has what was written and is not erased, each once; the views are what raw says; the sessions are what the events say. */
  async expectCountedOnce(isErased: (event: Event) => boolean = () => false): Promise<void> {
    const { stores } = this.#system;
    const counted = [...this.#written.keys()]
      .sort((a, b) => a - b)
      .flatMap((partition) => withoutRepeats(this.#written.get(partition) ?? []))
      .filter(({ event }) => !isErased(event));
    const raw = await stores.raw();
    expect(raw.map(({ place, event_id, visitor, day }) => ({ place, event_id, visitor, day }))).toEqual(
      counted.map(rawRow),
    );
    expect(await stores.viewsThatDiffer()).toEqual([]);
    expect(await this.#totals()).toEqual([totals(counted.map(({ event }) => event))]);
    expect(await stores.visitors()).toEqual(sessions(counted.map(({ event }) => event)));
  }

  async #totals(): Promise<VisitorCounts[]> {
    const { analytics } = this.#system.stores;
    await analytics.updateIntervals({ lastDay: '2000-01-01' });
    const always = { first_day: '2000-01-01', last_day: '2100-01-01' };
    return await analytics.read('visitors', { ...always, dimension: 'site', key: '' });
  }
}

/**
 * Two frames in each of two partitions: history, a conversion, repeats, events with and without an id.
 *
 * @param history when it happened, ms since the epoch
 */
export async function writeSome(system: System, history = NOW - MINUTE): Promise<Ledger> {
  const ledger = new Ledger(system);
  for (const partition of [0, 1]) {
    const of = (n: number) => visitor(10 * partition + n);
    const past = event({ visitor: of(1), ts: history, event_id: uuid(partition) });
    const view = event({ visitor: of(2), event_id: uuid(7) });
    await ledger.append(partition, past, view, event({ visitor: of(3), type: 'leave' }));
    const signedIn = { received_at: NOW + MINUTE, user_id: 'ann' };
    await ledger.append(
      partition,
      { ...past, received_at: NOW + 1 },
      { ...view, ...signedIn, event_id: uuid(8) },
      {
        ...view,
        received_at: NOW + MINUTE,
      },
    );
  }
  return ledger;
}

function rawRow({ place, event }: Written): Pick<RawRow, 'place' | 'event_id' | 'visitor' | 'day'> {
  return {
    place,
    event_id: event.event_id ?? NIL_UUID,
    visitor: visitorNumber(event.visitor),
    day: new Date(happenedAt(event)).toISOString().slice(0, 10),
  };
}

/**
 * Live events of a visitor repeat within ten minutes of the one that counted, late ones within a week, history whenever it comes again.
 * After a spool the repeat may stand before what it repeats.
 */
function withoutRepeats(written: Written[]): Written[] {
  const counted = new Map<string, number>();
  return written.filter(({ event: { event_id, visitor, received_at, ts, late } }) => {
    if (event_id === undefined) return true;
    const key = ts === undefined ? `${visitor} ${event_id}` : event_id;
    const before = counted.get(key);
    const reach = late ? WEEK : 10 * MINUTE;
    const isLive = before !== undefined && received_at - before <= reach && before - received_at <= WEEK;
    if (before !== undefined && (ts !== undefined || isLive)) return false;
    counted.set(key, received_at);
    return true;
  });
}

function totals(events: Event[]): VisitorCounts {
  const present = events.filter(({ type }) => type !== 'leave');
  return {
    visitors: new Set(present.map(({ visitor }) => visitor)).size,
    authenticated: new Set(
      present.filter(({ user_id }) => user_id !== undefined).map(({ visitor }) => visitor),
    ).size,
    page_views: present.filter(({ type }) => type === 'page_view').length,
  };
}

/** For visitors whose events stand in the log in the order in which they happened. */
function sessions(events: Event[]): SessionRow[] {
  const rows = new Map<string, SessionRow>();
  for (const event of events) {
    const at = happenedAt(event);
    const userId = event.user_id ?? null;
    const known = rows.get(event.visitor);
    const row = known ?? {
      fingerprint: event.visitor,
      userId,
      firstSeen: at,
      lastSeen: at,
      pageViews: 0,
      convertedAt: null,
    };
    rows.set(event.visitor, row);
    if (row.userId === null && userId !== null) row.convertedAt = at;
    row.userId = userId ?? row.userId;
    row.lastSeen = at;
    if (event.type === 'page_view') row.pageViews += 1;
  }
  return [...rows.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
}
