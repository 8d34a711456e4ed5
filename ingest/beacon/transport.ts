/**
 * Brings beacons to the collector.
 *
 * Sent at once unless the collector has asked for patience. What fails and may succeed later waits in a queue of at most
 * {@link MAX_WAITING} and is repeated with the same `event_id`, one at a time and with growing pauses; when the queue is full
 * the oldest goes. A beacon is given up after {@link MAX_ATTEMPTS}, or when it is so old that the collector may no longer
 * know that it has it already. What waits when the page goes away is sent once more with the leave.
 */
import type { Beacon } from '../../contract/beacon.ts';

const MAX_WAITING = 50;
const MAX_ATTEMPTS = 8;
/** The collector's side remembers an `event_id` for ten minutes. */
const MAX_AGE_MS = 9 * 60_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_PATIENCE_MS = 60 * 60_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** Under the collector's 64 KiB, also where each character takes three bytes. */
const MAX_LAST_CHARACTERS = 20_000;

/** Fields may be there without a value: JSON leaves them out. */
export type Draft = { [Field in keyof Beacon]: Beacon[Field] | undefined };

interface Waiting {
  beacon: Draft;
  since: number;
  attempts: number;
}

export interface Transport {
  /** Repeats on failure. */
  send(beacon: Draft): void;
  /** Sent at most once, and not at all while the collector asks for patience. */
  sendOnce(beacon: Draft): void;
  /** Sends the last beacon of a page that goes away, and all that waits. */
  sendLast(beacon: Draft): void;
}

export function transport(endpoint: string): Transport {
  let queue: Waiting[] = [];
  let pauseUntil = 0;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Resolves to undefined when the collector has settled the beacon, else to ms until another attempt makes sense. */
  async function post(beacon: Draft): Promise<number | undefined> {
    const timeout = new AbortController();
    const alarm = setTimeout(() => timeout.abort(), ANSWER_TIMEOUT_MS);
    try {
      const answer = await fetch(endpoint, { ...request(JSON.stringify(beacon)), signal: timeout.signal });
      if (answer.status === 429 || answer.status >= 500) return retryAfterMs(answer) ?? pause();
      if (!answer.ok) console.warn('footfall:', answer.status, await answer.text().catch(() => ''));
      failures = 0;
      return undefined;
    } catch {
      return pause();
    } finally {
      clearTimeout(alarm);
    }
  }

  function pause(): number {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    return longest * (0.5 + Math.random() / 2);
  }

  async function attempt(waiting: Waiting): Promise<void> {
    const waitMs = await post(waiting.beacon);
    if (waitMs === undefined) {
      resume();
      return;
    }
    failures++;
    pauseUntil = Math.max(pauseUntil, Date.now() + waitMs);
    waiting.attempts++;
    if (waiting.attempts < MAX_ATTEMPTS) enqueue(waiting);
    schedule();
  }

  function enqueue(waiting: Waiting): void {
    queue.push(waiting);
    queue = queue.slice(-MAX_WAITING);
  }

  function schedule(): void {
    clearTimeout(timer);
    if (queue.length > 0) timer = setTimeout(resume, Math.max(0, pauseUntil - Date.now()));
  }

  /** Sends what has waited longest; its success sends the next. */
  function resume(): void {
    queue = fresh();
    if (Date.now() < pauseUntil) {
      schedule();
      return;
    }
    const next = queue.shift();
    if (next) void attempt(next);
  }

  function fresh(): Waiting[] {
    return queue.filter(({ since }) => Date.now() - since < MAX_AGE_MS);
  }

  return {
    send(beacon) {
      const waiting = { beacon, since: Date.now(), attempts: 0 };
      if (Date.now() >= pauseUntil) return void attempt(waiting);
      enqueue(waiting);
      schedule();
    },
    sendOnce(beacon) {
      if (Date.now() >= pauseUntil) void attempt({ beacon, since: 0, attempts: MAX_ATTEMPTS - 1 });
    },
    sendLast(beacon) {
      if (Date.now() < pauseUntil && queue.length === 0) return;
      const last = [...fresh().map((waiting) => waiting.beacon), beacon];
      queue = [];
      while (last.length > 1 && JSON.stringify(last).length > MAX_LAST_CHARACTERS) last.shift();
      const body = JSON.stringify(last);
      // The page is going: nobody is left to act on a failure.
      if (!navigator.sendBeacon?.(endpoint, body)) fetch(endpoint, request(body)).catch(() => {});
    },
  };
}

/** A text body needs no preflight, and `keepalive` brings it through when the page goes. */
function request(body: string): RequestInit {
  return {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'text/plain' },
    credentials: 'omit',
    keepalive: true,
  };
}

/** `Retry-After` holds seconds or a date. */
function retryAfterMs(answer: Response): number | undefined {
  const value = answer.headers.get('Retry-After');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_PATIENCE_MS);
}
