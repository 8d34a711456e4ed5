/** What happens to an event between the log and the stores: a literal list, in order. */
import type { Event } from '../contract/event.ts';
import { DROP_REASONS, type SetAsideReason } from '../contract/outcome.ts';
import { visitorNumber } from '../contract/visitor.ts';
import {
  type DuplicateWindow,
  isRepeat,
  loadSince,
  MEMORY_MS,
  type Told,
  WINDOW_MS,
} from './duplicate-window.ts';
import { eventKey } from './event-key.ts';
import { InstantsByKey } from './instants-by-key.ts';
import { linesOf } from './lines.ts';
import type { Draft, Entry, StepContext } from './work.ts';

type Step = (draft: Draft, context: StepContext) => Promise<void> | void;

const STEPS = [
  ['decode', decode],
  ['erased', dropErased],
  ['visitors', recognise],
  ['repeats', dropRepeats],
  ['history', dropKnownHistory],
  ['place', attachPlace],
  ['country', attachCountry],
] as const satisfies readonly (readonly [string, Step])[];
export type StepName = (typeof STEPS)[number][0];

/** One step for all portions of a unit, then the next, so that the time of a step is the unit's. */
export async function runSteps(
  unit: readonly Draft[],
  context: StepContext,
  onStep: (step: StepName, seconds: number) => void,
): Promise<void> {
  for (const [name, step] of STEPS) {
    const began = performance.now();
    await Promise.all(unit.map((draft) => step(draft, context)));
    onStep(name, (performance.now() - began) / 1_000);
  }
}

/** A line that is neither an event nor a count of drops goes to the dead letters, whole; the others go on. */
async function decode(draft: Draft, { deadLetter, now }: StepContext): Promise<void> {
  const { tally, portion } = draft;
  const { partition } = portion;
  let undecodable = 0;
  for (const { offset, body } of portion.frames) {
    for (const [index, line] of linesOf(body).entries()) {
      if (line.kind === 'unreadable') {
        undecodable += 1;
        await deadLetter({ partition, offset, index, reason: line.reason, body: line.body });
        continue;
      }
      const { received_at } = line.kind === 'event' ? line.event : line.drops;
      draft.receivedUntil = Math.max(draft.receivedUntil ?? 0, received_at);
      if (line.kind === 'drops') {
        for (const reason of DROP_REASONS) tally.add(reason, received_at, line.drops.dropped[reason] ?? 0);
      } else {
        const { event, visitor, key } = line;
        tally.add('accepted', received_at);
        draft.entries.push({
          event,
          visitor,
          key,
          offset,
          index,
          communityDivision: undefined,
          divisionType: undefined,
        });
      }
    }
  }
  if (undecodable === 0) return;
  // When such a line was received nobody can tell: about when its neighbours were.
  const receivedAt = draft.receivedUntil ?? now();
  tally.add('accepted', receivedAt, undecodable);
  tally.add('undecodable', receivedAt, undecodable);
}

/** What was received before its visitor's data was erased is not counted after. */
function dropErased(draft: Draft, { erased }: StepContext): void {
  if (erased.isEmpty) return;
  const { partition } = draft.portion;
  keep(draft, 'erased', ({ event, offset }) => !erased.has(event, partition, offset));
}

/** Who came before the secret was changed is who they were: from here on by one hash. */
async function recognise(draft: Draft, { visitors }: StepContext): Promise<void> {
  const recognised = await visitors.look(draft.entries.map(({ event }) => event));
  if (recognised === undefined) return;
  for (const entry of draft.entries) {
    const { visitor, event_id } = entry.event;
    const known = recognised.of(entry.event);
    if (known === visitor) continue;
    entry.event.visitor = known;
    entry.visitor = visitorNumber(known);
    entry.key = event_id === undefined ? undefined : eventKey(entry.visitor, event_id);
  }
  draft.aliases = recognised.aliases;
}

/** An event that is marked late may have been received before at any time that raw remembers. */
const reachOf = ({ late }: Event): number => (late ? MEMORY_MS : WINDOW_MS);

/** The same event id of the same visitor within ten minutes, or within a week where it is marked late: the first one counts. */
async function dropRepeats(draft: Draft, { analytics }: StepContext): Promise<void> {
  const { partition, firstOffset, window } = draft.portion;
  const named = draft.entries.filter(({ key }) => key !== undefined);
  if (named.length === 0) return;
  if (!window.isLoaded) {
    const latest = named.reduce((latest, { event }) => Math.max(latest, event.received_at), 0);
    const since = loadSince(latest);
    window.load(await analytics.recentEventIds(partition, firstOffset, since), since);
  }
  const repeats = new Set<Entry>();
  const unsure: Entry[] = [];
  for (const entry of named) {
    const told = whatWindowTells(window, entry);
    if (told === 'repeat') repeats.add(entry);
    if (told === 'unsure') unsure.push(entry);
  }
  const unsureIds = [...new Set(unsure.flatMap(({ event: { event_id } }) => event_id ?? []))];
  const unsureSince = unsure.reduce(
    (first, { event }) => Math.min(first, loadSince(event.received_at, reachOf(event))),
    Infinity,
  );
  const known = await analytics.seenEventIds(partition, firstOffset, unsureSince, unsureIds);
  /** By raw, and before in this portion. The latest of an id is what tells: an earlier one is no closer to what comes after. */
  const seen = new InstantsByKey(known.length + named.length);
  for (const { eventId, visitor, receivedAt } of known) seen.note(eventKey(visitor, eventId), receivedAt);
  keep(draft, 'duplicate', (entry) => {
    const { event, key } = entry;
    if (key === undefined) return true;
    if (repeats.has(entry) || isRepeat(seen.get(key), event.received_at, reachOf(event))) return false;
    seen.note(key, event.received_at);
    return true;
  });
}

/** Frames that waited in a spool for hours must not bring hours of ids into memory: raw is asked for theirs alone. */
function whatWindowTells(window: DuplicateWindow, { event, key }: Entry): Told {
  if (key === undefined) return 'new';
  const told = window.tell(key, event.received_at);
  const isBeyond = event.late === true || !window.covers(event.received_at);
  return told === 'new' && isBeyond ? 'unsure' : told;
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
  draft.entries = draft.entries.filter((entry) => {
    const stays = wanted(entry);
    if (!stays) draft.tally.add(reason, entry.event.received_at);
    return stays;
  });
}
