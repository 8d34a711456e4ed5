/** Events and frames as the collector would write them, some minutes of one day. */
import type { Event } from '../contract/event.ts';
import { visitorNumber } from '../contract/visitor.ts';
import type { EventLog } from '../kafka/port.ts';

export const MINUTE = 60_000;
/** What the clocks of the tests show. */
export const NOW = Date.parse('2026-03-10T12:00:00Z');

/** HMAC of a visitor's fingerprint. */
export function visitor(n: number): string {
  return n.toString(16).padStart(16, '0').padEnd(64, 'a');
}

/** HMAC of the same fingerprint under the secret that follows. */
export function renewed(n: number): string {
  return renewedHash(visitor(n));
}

export function renewedHash(hash: string): string {
  return `ff${hash.slice(2)}`;
}

/** The same visitor in the analytics store. */
export function number(n: number): string {
  return visitorNumber(visitor(n));
}

export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** A page view of visitor 1, now, unless told otherwise. */
export function event(fields: Partial<Event> = {}): Event {
  return { type: 'page_view', received_at: NOW, visitor: visitor(1), url: '/', ...fields };
}

/** An event a line; text stands for a line as it is. */
function frame(...lines: (Event | string)[]): Buffer {
  return Buffer.from(
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
}

/** One frame. */
export async function append(log: EventLog, partition: number, ...lines: (Event | string)[]): Promise<void> {
  await log.append(partition, frame(...lines));
}
