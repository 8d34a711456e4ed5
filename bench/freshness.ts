/**
 * How long after its 202 is a beacon in `visitors/today/`?
 *
 * Everything runs embedded, as `npm start` runs it. Each beacon is a new visitor; after its 202 the API is asked again and again,
 * so a figure includes up to one answer of the API. `COUNT` beacons, 500 by default, one after another.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { VisitorStats } from '../contract/query.ts';
import { Installation } from '../integrity/installation.ts';
import { thisMachine } from './machine.ts';
import { resultFile } from './result.ts';

const COUNT = Number(process.env.COUNT ?? 500);
const GIVE_UP_MS = 30_000;
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';

const footfall = await Installation.create();
try {
  await footfall.start();
  const milliseconds: number[] = [];
  for (let sent = 1; sent <= COUNT; sent += 1) {
    milliseconds.push(await measure(sent));
    // Not in step with the pipeline's own rhythm.
    await pause(Math.random() * 200);
  }
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const result = {
    question: "milliseconds from a beacon's 202 to visitors/today/",
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration: 'npm start: all engines embedded, defaults',
    beacons: COUNT,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    rounds: milliseconds,
  };
  writeFileSync(resultFile('freshness.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(`${COUNT} beacons: p50 ${result.p50} ms, p99 ${result.p99} ms, max ${result.max} ms`);
} finally {
  await footfall.remove();
}

async function measure(expected: number): Promise<number> {
  const answer = await fetch(`${footfall.collector}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': USER_AGENT },
    body: JSON.stringify({ url: 'https://example.org/', fingerprint: randomUUID() }),
  });
  if (answer.status !== 202) throw new Error(`the collector answered ${answer.status}`);
  const start = performance.now();
  for (;;) {
    const { total_visitors } = await footfall.query<VisitorStats>('visitors/today/');
    const elapsed = performance.now() - start;
    if (total_visitors >= expected) return Math.round(elapsed);
    if (elapsed > GIVE_UP_MS) throw new Error(`a beacon did not appear within ${GIVE_UP_MS} ms`);
  }
}
