/**
 * Brings page views from an application to the collector, one a request, since each goes in its visitor's name.
 *
 * A page view waits for its turn, is under way, or rests after a try that failed; all together are bounded, and what comes beyond is
 * dropped: an application must not fill its memory because its analytics is away. It is tried again with the same
 * `event_id`, after growing pauses or the time that the collector asks for. 429 is about the visitor, and only that page view
 * rests; 503 is about the collector, and all do. Every way not to arrive has a name and is counted.
 */
import type { TrackerDrop, TrackerStats } from './public.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_PATIENCE_MS = 10 * 60_000;
/** As the browser's beacon: half of the time for which the pipeline remembers every `event_id`. */
const LATE_MS = 5 * 60_000;

export interface DeliveryOptions {
  endpoint: string;
  maxWaiting: number;
  maxConcurrent: number;
  timeoutMs: number;
  maxAttempts: number;
}

interface PageView {
  headers: Record<string, string>;
  beacon: object;
}

interface Job extends PageView {
  since: number;
  attempts: number;
}

/** Ms until another try makes sense, and whose. */
type Outcome = 'sent' | 'refused' | { restMs?: number | undefined; restAllMs?: number | undefined };

export interface Delivery {
  send(view: PageView): void;
  drop(reason: TrackerDrop): void;
  stats(): TrackerStats;
  close(timeoutMs: number): Promise<void>;
}

export function openDelivery(options: DeliveryOptions): Delivery {
  const queue: Job[] = [];
  const underWay = new Map<Job, AbortController>();
  const resting = new Map<Job, NodeJS.Timeout>();
  const dropped = { queue_full: 0, refused: 0, given_up: 0, unreadable: 0, closed: 0 };
  let sent = 0;
  let restUntil = 0;
  let wake: NodeJS.Timeout | undefined;
  let isClosed = false;
  let whenIdle = () => {};

  const waiting = () => queue.length + underWay.size + resting.size;

  function advance(): void {
    clearTimeout(wake);
    if (waiting() === 0) whenIdle();
    const restMs = restUntil - Date.now();
    if (restMs > 0) {
      if (queue.length > 0) wake = setTimeout(advance, restMs).unref();
      return;
    }
    while (underWay.size < options.maxConcurrent) {
      const job = queue.shift();
      if (job === undefined) return;
      void attempt(job);
    }
  }

  async function attempt(job: Job): Promise<void> {
    const cut = new AbortController();
    underWay.set(job, cut);
    job.attempts += 1;
    const outcome = await post(job, cut.signal);
    // Taken away by the end of `close`.
    if (!underWay.delete(job)) return;
    if (outcome === 'sent') sent += 1;
    else if (outcome === 'refused') dropped.refused += 1;
    else if (job.attempts >= options.maxAttempts) dropped.given_up += 1;
    else if (outcome.restAllMs === undefined) rest(job, outcome.restMs ?? pauseAfter(job.attempts));
    else {
      restUntil = Math.max(restUntil, Date.now() + outcome.restAllMs);
      queue.unshift(job);
    }
    advance();
  }

  function rest(job: Job, ms: number): void {
    const timer = setTimeout(() => {
      resting.delete(job);
      queue.push(job);
      advance();
    }, ms).unref();
    resting.set(job, timer);
  }

  async function post({ headers, beacon, since }: Job, signal: AbortSignal): Promise<Outcome> {
    const late = Date.now() - since > LATE_MS ? { late: true } : {};
    try {
      const answer = await fetch(options.endpoint, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ ...beacon, ...late }),
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]),
      });
      await answer.arrayBuffer();
      if (answer.ok) return 'sent';
      const askedMs = retryAfterMs(answer);
      if (answer.status === 429) return { restMs: askedMs };
      if (answer.status >= 500) return { restAllMs: askedMs };
      return 'refused';
    } catch {
      return {};
    }
  }

  return {
    send(view) {
      if (isClosed) dropped.closed += 1;
      else if (waiting() >= options.maxWaiting) dropped.queue_full += 1;
      else {
        queue.push({ ...view, since: Date.now(), attempts: 0 });
        advance();
      }
    },
    drop: (reason) => {
      dropped[reason] += 1;
    },
    stats: () => ({ sent, waiting: waiting(), dropped: { ...dropped } }),
    async close(timeoutMs) {
      isClosed = true;
      if (waiting() > 0) {
        let limit: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
          limit = setTimeout(resolve, timeoutMs);
        });
        clearTimeout(limit);
      }
      clearTimeout(wake);
      dropped.closed += waiting();
      for (const timer of resting.values()) clearTimeout(timer);
      for (const cut of underWay.values()) cut.abort();
      queue.length = 0;
      resting.clear();
      underWay.clear();
    },
  };
}

function pauseAfter(attempts: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
  return longest * (0.5 + Math.random() / 2);
}

/** Seconds, as the collector says it. */
function retryAfterMs(answer: Response): number | undefined {
  const ms = Number(answer.headers.get('Retry-After')) * 1_000;
  return ms > 0 ? Math.min(ms, LONGEST_PATIENCE_MS) : undefined;
}
