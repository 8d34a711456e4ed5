/** What the stores get of an event: a row of raw, and its share of a session. */
import { type EventRow, NIL_UUID } from '../clickhouse/port.ts';
import { happenedAt } from '../contract/event.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import type { SessionDelta } from '../postgres/port.ts';
import type { Entry } from './work.ts';

export function eventRow(entry: Entry, partition: number, calendar: Calendar): EventRow {
  const { event, offset, index } = entry;
  const at = happenedAt(event);
  return {
    log_partition: partition,
    log_offset: offset,
    log_index: index,
    event_id: event.event_id ?? NIL_UUID,
    type: event.type,
    received_at: event.received_at,
    happened_at: at,
    day: calendar.dayOf(at),
    hour: calendar.hourOf(at),
    visitor: entry.visitor,
    session_id: event.session_id ?? '',
    user_id: event.user_id ?? '',
    community_id: event.community_id ?? NIL_UUID,
    division_id: event.division_id ?? NIL_UUID,
    division_type: entry.divisionType ?? '',
    relation: relationOf(entry),
    page: event.url.split('?', 1)[0] ?? '',
    url: event.url,
    referrer: event.referrer ?? '',
    title: event.title ?? '',
    language: event.language ?? '',
    screen: event.screen ?? '',
    country: event.country ?? '',
    browser: event.browser ?? '',
    os: event.os ?? '',
    device: event.device ?? '',
  };
}

function relationOf({ event, communityDivision }: Entry): EventRow['relation'] {
  if (communityDivision === undefined || event.division_id === undefined) return 'unknown';
  return communityDivision === event.division_id ? 'same' : 'cross';
}

/** One delta a visitor, from entries in the order of the log. */
export function sessionDeltas(entries: Entry[]): SessionDelta[] {
  const deltas = new Map<string, SessionDelta>();
  for (const { event } of entries) {
    const at = happenedAt(event);
    let delta = deltas.get(event.visitor);
    if (delta === undefined) {
      delta = {
        fingerprint: event.visitor,
        firstSeen: at,
        lastSeen: at,
        pageViews: 0,
        sessionId: '',
        userId: null,
        firstSignedInAt: null,
        beganAnonymous: event.user_id === undefined,
      };
      deltas.set(event.visitor, delta);
    }
    if (at < delta.firstSeen) {
      delta.firstSeen = at;
      delta.beganAnonymous = event.user_id === undefined;
    }
    delta.lastSeen = Math.max(delta.lastSeen, at);
    if (event.type === 'page_view') delta.pageViews += 1;
    if (event.session_id !== undefined) delta.sessionId = event.session_id;
    if (event.user_id !== undefined) {
      delta.userId = event.user_id;
      delta.firstSignedInAt = Math.min(delta.firstSignedInAt ?? at, at);
    }
  }
  return [...deltas.values()];
}
