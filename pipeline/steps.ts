/** What happens to an event between the log and the stores: a literal list, in order. */
import { isUtf8 } from 'node:buffer';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Uuid } from '../contract/beacon.ts';
import { Event } from '../contract/event.ts';
import type { SetAsideReason } from '../contract/outcome.ts';
import { isRepeat, loadSince, windowKey } from './duplicate-window.ts';
import { visitorNumber } from './visitor-number.ts';
import type { Draft, Entry, StepContext } from './work.ts';

type Step = (draft: Draft, context: StepContext) => Promise<void> | void;

export const STEPS: readonly Step[] = [decode, dropRepeats, dropKnownHistory, attachPlace, attachCountry];

const NEWLINE = 0x0a;
const Instant = Type.Integer({
  minimum: 0,
  maximum: Date.UTC(2149, 0, 1),
  description: "ClickHouse's days end in 2149",
});

/** An event that every store takes: one that a store refused would hold up its partition for ever. */
const eventSchema = Compile(
  Type.Object({
    ...Event.properties,
    received_at: Instant,
    ts: Type.Optional(Instant),
    event_id: Type.Optional(Uuid),
    community_id: Type.Optional(Uuid),
    division_id: Type.Optional(Uuid),
  }),
);

/** A line that is not an event goes to the dead letters, whole; the others go on. */
async function decode(draft: Draft, { deadLetter }: StepContext): Promise<void> {
  const { partition, frames } = draft.portion;
  let undecodable = 0;
  for (const { offset, body } of frames) {
    let index = 0;
    for (const line of linesOf(body)) {
      const event = parse(line);
      if (event instanceof Error) {
        undecodable += 1;
        await deadLetter({ partition, offset, index, reason: event.message, body: line });
      } else {
        draft.entries.push({ event, offset, index });
      }
      index += 1;
    }
  }
  setAside(draft, 'undecodable', undecodable);
}

/** Bytes and not text: a dead letter is kept as it came. */
function* linesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    if (end > start) yield body.subarray(start, end);
    start = end + 1;
  }
}

function parse(line: Buffer): Event | Error {
  if (!isUtf8(line)) return new Error('not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch (cause) {
    return new Error(`not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  if (eventSchema.Check(value)) return value;
  const [first] = eventSchema.Errors(value);
  return new Error(`not an event: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
}

/** The same event id of the same visitor within ten minutes: the first one counts. */
async function dropRepeats(draft: Draft, { windowOf, analytics }: StepContext): Promise<void> {
  const { partition, firstOffset } = draft.portion;
  let earliest = Number.POSITIVE_INFINITY;
  for (const { event } of draft.entries) {
    if (event.event_id !== undefined) earliest = Math.min(earliest, event.received_at);
  }
  const window = windowOf(partition);
  if (!window.covers(earliest)) {
    const since = loadSince(earliest);
    window.load(await analytics.recentEventIds(partition, firstOffset, since), since);
  }
  const seenHere = new Map<string, number>();
  keep(draft, 'duplicate', ({ event }) => {
    if (event.event_id === undefined) return true;
    const key = windowKey(visitorNumber(event.visitor), event.event_id);
    if (isRepeat(seenHere.get(key), event.received_at) || window.has(key, event.received_at)) return false;
    seenHere.set(key, event.received_at);
    return true;
  });
}

/** History may be imported again at any time, long after the window: raw is asked. */
async function dropKnownHistory(draft: Draft, { analytics, calendar }: StepContext): Promise<void> {
  const days = new Set<string>();
  const ids: string[] = [];
  for (const { event } of draft.entries) {
    if (event.ts === undefined || event.event_id === undefined) continue;
    ids.push(event.event_id);
    days.add(calendar.dayOf(event.ts));
  }
  if (ids.length === 0) return;
  const known = new Set(await analytics.knownEventIds(ids, [...days], [draft.portion]));
  keep(draft, 'duplicate', ({ event }) => {
    if (event.ts === undefined || event.event_id === undefined) return true;
    if (known.has(event.event_id)) return false;
    // Two imports of a file may wait in the log together.
    known.add(event.event_id);
    return true;
  });
}

function attachPlace(draft: Draft, { places }: StepContext): void {
  for (const entry of draft.entries) {
    const { community_id, division_id } = entry.event;
    if (community_id !== undefined) {
      entry.communityDivision = places.community(community_id)?.divisionId ?? undefined;
    }
    if (division_id !== undefined) entry.divisionType = places.division(division_id)?.type;
  }
}

/** Where the address says no country, the visitor's division does. */
function attachCountry(draft: Draft, { places }: StepContext): void {
  for (const { event } of draft.entries) {
    if (event.country !== undefined || event.division_id === undefined) continue;
    const country = places.division(event.division_id)?.country;
    if (country !== undefined) event.country = country;
  }
}

function keep(draft: Draft, reason: SetAsideReason, wanted: (entry: Entry) => boolean): void {
  const before = draft.entries.length;
  draft.entries = draft.entries.filter(wanted);
  setAside(draft, reason, before - draft.entries.length);
}

function setAside(draft: Draft, reason: SetAsideReason, count: number): void {
  if (count > 0) draft.setAside.push({ reason, count });
}
