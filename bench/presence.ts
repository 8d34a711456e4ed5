/**
 * How many joins and leaves a second does a live store take, while 100,000 visitors are online; and what do 5,000 a second cost?
 *
 * As the pipeline does it: batches of signs by a visitor tracker, news included, and a sweep four times a second. Every batch has
 * as many who come as who leave; half of them are in one of 200 communities. Each round first sends batches of 1,000 as fast as they are
 * taken, then 5,000 changes a second in batches of 124. The stores are the one in memory and that of `REDIS_URL`, in turns,
 * three rounds each. A Redis of one's own is needed: prefixes keep rounds apart, but they share its time.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openLive } from '../redis/open.ts';
import { type LiveStore, SITE } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { thisMachine } from './machine.ts';
import { hundredths, spread } from './ranges/statistics.ts';
import { resultFile } from './result.ts';

const ONLINE = 100_000;
const BATCH = 1_000;
const RATE = 5_000;
const RATE_BATCH = 124;
const COMMUNITIES = 200;
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const STRETCH_MS = 1_000 * Number(process.env.SECONDS ?? 10);
const SWEEP_MS = 250;
const SECOND = 1_000;
const HOUR = 3_600_000;

const redisUrl = process.env.REDIS_URL;
if (redisUrl === undefined) throw new Error('REDIS_URL is not set');
const redis = new Redis(redisUrl);
const communities = Array.from({ length: COMMUNITIES }, () => randomUUID());

const rounds: { memory: Figures[]; redis: Figures[] } = { memory: [], redis: [] };
for (let round = 1; round <= ROUNDS; round += 1) {
  const stores = [
    ['memory', 'memory://'],
    ['redis', `${redisUrl}?prefix=bench-${randomUUID()}:`],
  ] as const;
  for (const [name, url] of round % 2 === 1 ? stores : stores.toReversed()) {
    const live = await openLive(url);
    const figures = await measure(live);
    rounds[name].push(figures);
    console.log(`round ${round}, ${name}: ${JSON.stringify(figures)}`);
    await live.close();
  }
}
await redis.quit();

const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const medians = (all: Figures[]) => ({
  changesASecond: middle(all.map(({ asFastAsTaken }) => asFastAsTaken.changesASecond)),
  atRate: {
    changesASecond: middle(all.map(({ atRate }) => atRate.changesASecond)),
    batchP99Ms: middle(all.map(({ atRate }) => atRate.batchMs.p99)),
    sweepP99Ms: middle(all.map(({ atRate }) => atRate.sweepMs.p99)),
    cores: middle(all.map(({ atRate }) => atRate.cores)),
    coresOfRedis: middle(all.map(({ atRate }) => atRate.coresOfRedis)),
  },
});
const result = {
  question: `joins and leaves a second that a live store takes with ${ONLINE} visitors online, and what ${RATE} a second cost`,
  date: new Date().toISOString(),
  machine: thisMachine(),
  configuration: `one tracker, a sweep every ${SWEEP_MS} ms, half of the visitors in one of ${COMMUNITIES} communities; batches of ${BATCH} as fast as taken, of ${RATE_BATCH} at ${RATE} a second, ${STRETCH_MS / SECOND} s each; Redis on the same machine`,
  memory: medians(rounds.memory),
  redis: medians(rounds.redis),
  rounds,
};
writeFileSync(resultFile('presence.json'), `${JSON.stringify(result, undefined, 2)}\n`);
console.log(JSON.stringify({ memory: result.memory, redis: result.redis }, undefined, 2));

type Figures = Awaited<ReturnType<typeof measure>>;

async function measure(live: LiveStore) {
  const tracker = new VisitorTracker(live, { realtimeTtlMs: HOUR });
  const sign = (n: number, leaving: boolean) => ({
    visitor: `${10n ** 18n + BigInt(n)}`,
    communityId: n % 2 === 0 && !leaving ? communities[(n / 2) % COMMUNITIES] : undefined,
    at: Date.now(),
    leaving,
  });
  let arriving = 0;
  let leaving = 0;
  const batchOf = (changes: number) => [
    ...Array.from({ length: changes / 2 }, () => sign(arriving++, false)),
    ...Array.from({ length: changes / 2 }, () => sign(leaving++, true)),
  ];

  const fillStart = performance.now();
  await tracker.track(Array.from({ length: ONLINE }, () => sign(arriving++, false)));
  const fillMs = Math.round(performance.now() - fillStart);

  /** @param dueMs when the nth batch is to be sent, after the first */
  async function stretch(changes: number, dueMs: (n: number) => number) {
    const sweepMs: number[] = [];
    let sweeping = Promise.resolve();
    const sweeper = setInterval(() => {
      sweeping = sweeping.then(async () => {
        const began = performance.now();
        await tracker.sweep(Date.now());
        sweepMs.push(performance.now() - began);
      });
    }, SWEEP_MS);
    const batchMs: number[] = [];
    const lateMs: number[] = [];
    const [cpu, cpuOfRedis, start] = [process.cpuUsage(), await redisSeconds(), performance.now()];
    while (performance.now() - start < STRETCH_MS) {
      const early = dueMs(batchMs.length) - (performance.now() - start);
      if (early > 0) await pause(early);
      lateMs.push(Math.max(0, -early));
      const began = performance.now();
      await tracker.track(batchOf(changes));
      batchMs.push(performance.now() - began);
      // What the pipeline does between two batches; timers need it as well.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seconds = (performance.now() - start) / SECOND;
    const { user, system } = process.cpuUsage(cpu);
    const ofRedis = (await redisSeconds()) - cpuOfRedis;
    clearInterval(sweeper);
    await sweeping;
    return {
      changesASecond: Math.round((batchMs.length * changes) / seconds),
      batchMs: spread(batchMs),
      sweepMs: spread(sweepMs),
      lateMs: spread(lateMs),
      cores: hundredths((user + system) / 1e6 / seconds),
      coresOfRedis: hundredths(ofRedis / seconds),
    };
  }

  const { lateMs: _, ...asFastAsTaken } = await stretch(BATCH, () => 0);
  const atRate = await stretch(RATE_BATCH, (n) => (n * RATE_BATCH * SECOND) / RATE);
  return {
    fillMs,
    asFastAsTaken,
    atRate,
    online: await live.online(SITE),
    load: hundredths(loadavg()[0] ?? 0),
  };
}

/** Of processor time that Redis has used. */
async function redisSeconds(): Promise<number> {
  const info = await redis.info('cpu');
  return [...info.matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].reduce(
    (sum, [, seconds]) => sum + Number(seconds),
    0,
  );
}
