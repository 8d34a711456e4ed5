/**
 * Brings beacons to the collector, and keeps what has to arrive until the collector has answered.
 *
 * A beacon is put into the outbox before it is sent, and taken out by an answer that settles it: 2xx, or a refusal that says
 * what is wrong with it. So it outlives a cut connection, a reload and a closed tab. It is sent again, with its `event_id`, when a page
 * of the site is opened, when the browser is online again, and after growing pauses or the time that the collector
 * asks for; and marked late where a first sending may be so old that the pipeline has to look further back than usual.
 *
 * Every entry has a key of its own in `localStorage`, which all tabs of a site share, so none can overwrite another's: its time, then
 * something random. One at a time is sent, the oldest first, so one that is refused holds up no other. Of several tabs
 * one sends, where the browser has locks; a tab that has waited for 5 s, or has no locks, sends all the same: what
 * arrives twice counts once. There is a bound in number and in age, and the oldest go. Where storage is blocked or
 * full, the outbox lives as long as the page.
 */
import { attempt } from './attempt.ts';
import { uuid } from './identifiers.ts';

let endpoint: string;
let store: Record<string, string>;
/** ms until another try: grows with each that fails to at most two minutes, then from the beginning. */
let pause = 0;
/** Until then the collector wants nothing, ms since the epoch. */
let patience = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

export const openOutbox = (url: string): void => {
  endpoint = url;
  store = attempt(() => localStorage) || {};
};

/** Keys of entries that are as old as that, or older, sort before. */
const keyOfAge = (ms: number) => `footfall:${Date.now() - ms}`;

/** Keys, oldest first: at most 50, and none older than three days and a half, half of what raw remembers. */
const waiting = (): string[] =>
  Object.keys(store)
    .filter((key) => /^footfall:/.test(key))
    .sort()
    .filter((key, at, all) => !((all[at + 50] || key < keyOfAge(3e8)) && delete store[key]));

/** Late after five minutes: half of the time for which the pipeline remembers every `event_id`. */
const textOf = (key: string) => `${store[key]}`.replace('{', `{"late":${key < keyOfAge(3e5)},`);

/** Sends what has waited longest; where nothing waits, another beacon, which is not kept. */
export const send = async (other?: string): Promise<void> => {
  const key = waiting()[0] as string;
  const body = key ? textOf(key) : other;
  if (body && Date.now() > patience) {
    pause = ((pause % 6e4) + 1e3) * (1 + Math.random());
    try {
      // A text body needs no preflight. `keepalive` brings it through when the page goes, and is for little: a page with a
      // giant address is refused by the collector then, which settles it.
      const answer = await fetch(endpoint, {
        body,
        credentials: 'omit',
        method: 'POST',
        keepalive: !body[6e4],
      });
      if (/^5|429/.test(answer.status as unknown as string)) {
        // Seconds; a date is no number, and null is 0.
        pause = +(answer.headers.get('Retry-After') as string) * 1e3 || pause;
        patience = Date.now() + pause;
      } else {
        pause = 0;
        if (key) delete store[key];
        if (!answer.ok) console.warn('footfall:', await answer.text());
      }
    } catch {}
    clearTimeout(timer);
    timer = setTimeout(flush, pause);
  }
};

/** Sends all that waits, one after the other, unless another tab does. */
export const flush = (): Promise<unknown> =>
  (
    navigator.locks?.request('footfall', { ifAvailable: true }, (lock) =>
      lock ? send() : setTimeout(send, 5e3),
    ) ?? send()
  ).catch(() => send());

/** Keeps a beacon until it is settled. */
export const keep = (beacon: string): void => {
  const key = keyOfAge(0) + uuid();
  try {
    store[key] = beacon;
  } catch {
    store = { [key]: beacon };
  }
  flush();
};

/** Sends the last beacon of a page that goes away, and what waits. Nobody is left to hear the answer: what waits stays. */
export const end = (beacon: string): boolean =>
  navigator.sendBeacon(endpoint, `[${[...waiting().map(textOf), beacon]}]`);
