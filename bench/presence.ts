/**
 * How many joins and leaves a second does a live store take, while 100,000 visitors are online?
 *
 * As the pipeline does it: batches of 1,000 signs by a visitor tracker, news included, and a sweep four times a second. Every
 * batch has as many who come as who leave; half of them are in one of 200 communities. The stores are the one in memory and that of `REDIS_URL`,
 * in turns, three rounds each. A Redis of one's own is needed: prefixes keep rounds apart, but they share its time.
 */
import { randomUUID } from 'node:crypto';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';

const ONLINE = 100_000;
const BATCH = 1_000;
const COMMUNITIES = 200;
const ROUNDS = 3;
const ROUND_MS = 10_000;
const SWEEP_MS = 250;
const HOUR = 3_600_000;

const redisUrl = process.env.REDIS_URL;
if (redisUrl === undefined) throw new Error('REDIS_URL is not set');
const communities = Array.from({ length: COMMUNITIES }, () => randomUUID());

const results: Record<string, number[]> = { memory: [], redis: [] };
for (let round = 1; round <= ROUNDS; round += 1) {
  for (const [name, url] of Object.entries({
    memory: 'memory://',
    redis: `${redisUrl}?prefix=bench-${randomUUID()}:`,
  })) {
    const live = await openLive(url);
    const figures = await measure(live);
    results[name]?.push(figures.changesASecond);
    console.log(`round ${round}, ${name}: ${JSON.stringify(figures)}`);
    await live.close();
  }
}
for (const [name, figures] of Object.entries(results)) {
  console.log(
    `${name}: median ${figures.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]} joins and leaves a second`,
  );
}

async function measure(live: LiveStore) {
  const tracker = new VisitorTracker(live, { realtimeTtlMs: HOUR });
  const sign = (n: number, leaving: boolean) => ({
    visitor: `${10n ** 18n + BigInt(n)}`,
    communityId: n % 2 === 0 && !leaving ? communities[(n / 2) % COMMUNITIES] : undefined,
    at: Date.now(),
    leaving,
  });
  const fillStart = performance.now();
  await tracker.track(Array.from({ length: ONLINE }, (_, n) => sign(n, false)));
  const fillMs = Math.round(performance.now() - fillStart);

  const sweepMs: number[] = [];
  let sweeping = Promise.resolve();
  const sweeper = setInterval(() => {
    const start = performance.now();
    sweeping = sweeping
      .then(() => tracker.sweep(Date.now()))
      .then(() => void sweepMs.push(performance.now() - start));
  }, SWEEP_MS);
  const batchMs: number[] = [];
  const start = performance.now();
  let arriving = ONLINE;
  let leaving = 0;
  while (performance.now() - start < ROUND_MS) {
    const batchStart = performance.now();
    const come = Array.from({ length: BATCH / 2 }, () => sign(arriving++, false));
    const go = Array.from({ length: BATCH / 2 }, () => sign(leaving++, true));
    await tracker.track([...come, ...go]);
    batchMs.push(performance.now() - batchStart);
    // What the pipeline does between two batches; timers need it as well.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - start) / 1_000;
  clearInterval(sweeper);
  await sweeping;
  return {
    changesASecond: Math.round((batchMs.length * BATCH) / seconds),
    fillMs,
    batchMs: spread(batchMs),
    sweepMs: spread(sweepMs),
    online: await live.online('site'),
  };
}

function spread(all: number[]) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(10 * (sorted[Math.floor(share * (sorted.length - 1))] ?? 0)) / 10;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
