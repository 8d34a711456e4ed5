/**
 * Faults at the calls of a pipeline to its stores: a call that is refused, an answer that is lost, and the end of the
 * process. After its end a pipeline reaches no store any more, its locks are free, and nothing is committed for it.
 */
import { AnalyticsStoreError } from '../clickhouse/port.ts';
import { type EventLog, PIPELINE_GROUP } from '../kafka/port.ts';
import { type SessionStore, SessionStoreError } from '../postgres/port.ts';

export interface Fault {
  /** Whether the store has done the work. */
  when: 'before' | 'after';
  /** What the call rejects with; `crash` ends the pipeline; what a function does happens meanwhile, and the call goes on. */
  what: Error | 'crash' | (() => Promise<unknown>);
}

/** `call` is `store.method`, or `log.commit`; `nth` counts the calls of that name from 1. */
export type Faults = (call: string, nth: number) => Fault | undefined;

export const unclear = () => new AnalyticsStoreError('unclear', 'connection reset by a test');
export const unreadable = () => new AnalyticsStoreError('unavailable', 'analytics are away in a test');
export const unavailable = () => new SessionStoreError('unavailable', 'sessions are away in a test');

/** One fault at one call. */
export function at(call: string, nth: number, fault: Fault): Faults {
  return (name, n) => (name === call && n === nth ? fault : undefined);
}

export class Mortal {
  readonly #faults: Faults;
  readonly #calls = new Map<string, number>();
  /** Rejects at the end of the process. */
  readonly ended: Promise<never>;
  #end: (reason: Error) => void = () => {};
  #dead = false;

  constructor(faults: Faults) {
    this.#faults = faults;
    this.ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.ended.catch(() => {});
  }

  get dead(): boolean {
    return this.#dead;
  }

  callsOf(call: string): number {
    return this.#calls.get(call) ?? 0;
  }

  /** A store as this process sees it; `own` stands in for some of its methods. */
  see<Store extends object>(name: string, store: Store, own: Partial<Store> = {}): Store {
    return new Proxy(store, {
      get: (target, key) => {
        const place = key in own ? own : target;
        const method: unknown = Reflect.get(place, key, place);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) =>
          this.#call(`${name}.${String(key)}`, () => Reflect.apply(method, place, args));
      },
    });
  }

  /** Locks fall with the process. */
  seeSessions(sessions: SessionStore): SessionStore {
    return this.see('sessions', sessions, {
      withLock: (lock, mode, work) => sessions.withLock(lock, mode, () => Promise.race([work(), this.ended])),
    });
  }

  /** A process that has ended commits nothing, and reads no more. */
  seeLog(log: EventLog): EventLog {
    return this.see('log', log, {
      subscribe: async (group, consumer) => {
        const subscription = await log.subscribe(group, {
          assigned: (...assignment) => Promise.race([consumer.assigned(...assignment), this.ended]),
          batch: async (...batch) => {
            await Promise.race([consumer.batch(...batch), this.ended]);
            const commit = group === PIPELINE_GROUP ? 'log.commit' : 'log.commit of live numbers';
            await Promise.race([this.#call(commit, async () => {}), this.ended]);
          },
          committed: (commit) => {
            if (!this.#dead) consumer.committed?.(commit);
          },
          revoked: (partition) => consumer.revoked(partition),
        });
        this.ended.catch(() => subscription.close());
        return subscription;
      },
    });
  }

  async #call<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#dead) return forEver();
    const nth = this.callsOf(name) + 1;
    this.#calls.set(name, nth);
    const fault = this.#faults(name, nth);
    if (fault?.when === 'before') await this.#strike(fault.what);
    const answer = await work();
    if (this.#dead) return forEver();
    if (fault?.when === 'after') await this.#strike(fault.what);
    return answer;
  }

  async #strike(what: Fault['what']): Promise<void> {
    if (typeof what === 'function') return void (await what());
    if (what !== 'crash') throw what;
    this.#dead = true;
    this.#end(new Error('the process has ended'));
    return forEver();
  }
}

function forEver(): Promise<never> {
  return new Promise(() => {});
}
