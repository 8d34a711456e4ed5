/**
 * Which events are not to be counted, since their visitor's data was erased after they were received.
 *
 * What was counted by then is removed from the stores. So an event belongs here only where its place in the log had not been counted: that
 * is the same whenever it is asked, before a crash and after, and however many erasures are known by then.
 */
import type { Event } from '../contract/event.ts';
import { visitorKey } from '../contract/visitor.ts';
import type { Erased, KnownErasures } from '../postgres/port.ts';

export class ErasedEvents {
  /** Number of the last erasure of which this knows. */
  readonly last: number;
  readonly isEmpty: boolean;
  readonly #byVisitor = new Map<string, Erased[]>();
  readonly #byUser = new Map<string, Erased[]>();

  constructor({ last, erased }: KnownErasures) {
    this.last = last;
    this.isEmpty = erased.length === 0;
    for (const each of erased) {
      for (const visitor of each.visitors) add(this.#byVisitor, visitor, each);
      if (each.userId !== null) add(this.#byUser, each.userId, each);
    }
  }

  has({ visitor, visitor_before, user_id, received_at }: Event, partition: number, offset: number): boolean {
    const isOf = ({ requestedAt, counted }: Erased) =>
      received_at <= requestedAt && offset >= (counted.get(partition) ?? 0);
    return (
      this.#byVisitor.get(visitorKey(visitor))?.some(isOf) === true ||
      (visitor_before !== undefined &&
        this.#byVisitor.get(visitorKey(visitor_before))?.some(isOf) === true) ||
      (user_id !== undefined && this.#byUser.get(user_id)?.some(isOf) === true)
    );
  }
}

function add(to: Map<string, Erased[]>, key: string, erased: Erased): void {
  const known = to.get(key);
  if (known === undefined) to.set(key, [erased]);
  else known.push(erased);
}
