/**
 * Takes the frames of the spool to the log: in order within a partition, one batch of {@link REPLAY_BATCH_BYTES} a
 * partition at a time, each after live frames that wait, though not for longer than {@link MAX_YIELD_MS}. The first
 * frame of a batch goes alone, so that a log which is still away costs one frame a try; when the log fails within the
 * rest, the batch comes again, whole. A batch is committed, and its frames leave the spool, only after the log has all
 * of it.
 *
 * Of the processes that share a spool one replays, by a lease in the spool: a holder that was killed blocks the others no
 * longer than the lease. One that was stopped and wakes up late commits nothing; what it still sends is sent twice.
 *
 * A frame that the log refuses for good stays, holds up its partition, and is reported: it was acknowledged.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedLog } from './lmdb-log.ts';
import { type LogBatch, LogError, type Subscription } from './port.ts';
import type { Attempts } from './spool-attempts.ts';
import type { Trust } from './spool-trust.ts';

export const REPLAY_GROUP = 'replay';
export const REPLAY_BATCH_BYTES = 256 * 1024;
export const REPLAY_DUTY = 'replay';
const LOOK_MS = 20;
const MAX_YIELD_MS = 1_000;

interface ReplayContext {
  spool: EmbeddedLog;
  attempts: Attempts;
  trust: Trust;
  leaseMs: number;
  /** A live frame that waits for longer holds up the replay. */
  slowMs: number;
}

export class Replay {
  readonly #context: ReplayContext;
  readonly #holder = randomUUID();
  #leaseEnds = Number.NEGATIVE_INFINITY;
  #subscription: Subscription | undefined;
  #replayed = 0;
  #ending = false;
  #stopped = false;

  constructor(context: ReplayContext) {
    this.#context = context;
  }

  get replayed(): number {
    return this.#replayed;
  }

  /** To be called again and again, one call at a time: begins, goes on, or ends. @throws LogError `unavailable` */
  async tend(isNeeded: boolean): Promise<void> {
    if (!isNeeded) return this.#end();
    if (this.#stopped) return;
    if (!(await this.#keepLease())) return this.#unsubscribe();
    this.#ending = false;
    this.#subscription ??= await this.#context.spool.subscribe(REPLAY_GROUP, {
      assigned: async (_, committed) => committed,
      batch: (batch) => this.#replay(batch),
      revoked: () => undefined,
    });
  }

  /** Begins no batch any more. To be called before {@link close}, so that no call of {@link tend} waits for one. */
  stop(): void {
    this.#stopped = true;
  }

  /** What is on its way is answered or given up first. */
  close(): Promise<void> {
    this.stop();
    return this.#end();
  }

  async #end(): Promise<void> {
    await this.#unsubscribe();
    if (this.#leaseEnds === Number.NEGATIVE_INFINITY) return;
    this.#leaseEnds = Number.NEGATIVE_INFINITY;
    await this.#context.spool.giveBack(REPLAY_DUTY, this.#holder);
  }

  async #unsubscribe(): Promise<void> {
    this.#ending = true;
    await this.#subscription?.close();
    this.#subscription = undefined;
  }

  async #keepLease(): Promise<boolean> {
    const { spool, leaseMs } = this.#context;
    const now = performance.now();
    if (this.#leaseEnds - now > (2 / 3) * leaseMs) return true;
    const isOurs = await spool.lease(REPLAY_DUTY, this.#holder, leaseMs);
    this.#leaseEnds = isOurs ? now + leaseMs : Number.NEGATIVE_INFINITY;
    return isOurs;
  }

  async #replay({ partition, frames }: LogBatch): Promise<void> {
    const { trust } = this.#context;
    const [first, ...rest] = frames;
    if (first === undefined) return;
    await this.#turn(partition);
    await this.#send(partition, first.body);
    trust.restore(partition);
    await Promise.all(rest.map(({ body }) => this.#send(partition, body)));
    this.#mustBeOurs();
    this.#replayed += frames.length;
  }

  /** Waits while live frames wait, or the log is not to be tried yet. */
  async #turn(partition: number): Promise<void> {
    const { attempts, trust, slowMs } = this.#context;
    const latest = performance.now() + MAX_YIELD_MS;
    const mustYield = () => attempts.longestLiveWaitMs > slowMs && performance.now() < latest;
    this.#mustBeOurs();
    while (mustYield() || trust.mustWait(partition) || !attempts.mayTry) {
      await delay(LOOK_MS);
      this.#mustBeOurs();
    }
  }

  #send(partition: number, frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#context.attempts.append(partition, frame, {
        isLive: false,
        taken: () => resolve(),
        givenUp: (_, error) => reject(error),
        refused: reject,
      });
    });
  }

  #mustBeOurs(): void {
    if (this.#stopped || this.#ending) throw new LogError('unavailable', 'the replay ends');
    if (performance.now() >= this.#leaseEnds) {
      throw new LogError('unavailable', 'another process may replay by now');
    }
  }
}
