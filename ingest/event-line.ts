/** An event as a line of the log. */
import type { Drops, Event } from '../contract/event.ts';

/**
 * @param verbatim no string of the event has a character that JSON writes in another way. Where that is known, the
 *   line is put together at a third of what it costs to look at every character.
 */
export function eventLine(event: Event, verbatim: boolean): string {
  if (!verbatim) return lineOf(event);
  let line = `{"type":"${event.type}","received_at":${event.received_at},"visitor":"${event.visitor}","url":"${event.url}`;
  if (event.visitor_before !== undefined) line += `","visitor_before":"${event.visitor_before}`;
  if (event.event_id !== undefined) line += `","event_id":"${event.event_id}`;
  if (event.session_id !== undefined) line += `","session_id":"${event.session_id}`;
  if (event.user_id !== undefined) line += `","user_id":"${event.user_id}`;
  if (event.community_id !== undefined) line += `","community_id":"${event.community_id}`;
  if (event.division_id !== undefined) line += `","division_id":"${event.division_id}`;
  if (event.referrer !== undefined) line += `","referrer":"${event.referrer}`;
  if (event.title !== undefined) line += `","title":"${event.title}`;
  if (event.language !== undefined) line += `","language":"${event.language}`;
  if (event.screen !== undefined) line += `","screen":"${event.screen}`;
  if (event.country !== undefined) line += `","country":"${event.country}`;
  if (event.browser !== undefined) line += `","browser":"${event.browser}`;
  if (event.os !== undefined) line += `","os":"${event.os}`;
  if (event.device !== undefined) line += `","device":"${event.device}`;
  line += '"';
  if (event.ts !== undefined) line += `,"ts":${event.ts}`;
  if (event.late !== undefined) line += `,"late":${event.late}`;
  return `${line}}\n`;
}

export function lineOf(value: Event | Drops): string {
  return `${JSON.stringify(value)}\n`;
}

/** Whether JSON writes a text as it is. */
export function isVerbatim(value: string): boolean {
  return JSON.stringify(value) === `"${value}"`;
}
