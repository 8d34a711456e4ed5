/**
 * How much longer does every endpoint take on more events? Asks the query APIs of two stores in turns, each a process, so that
 * whatever else the machine does falls on both.
 *
 * `SMALL` and `LARGE` are folders that `KEEP_DATA=FOLDER npm run bench:ranges` has filled. `ROUNDS` requests of each endpoint.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { thisMachine } from './machine.ts';
import { type Asked, connect } from './ranges/api.ts';
import type { Built } from './ranges/built.ts';
import { questionsOf } from './ranges/questions.ts';
import { hundredths, spread } from './ranges/statistics.ts';
import { resultFile } from './result.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 40);
const WARM_UPS = 3;

interface Side {
  built: Built;
  child: ChildProcess;
  asked: Asked;
}

const { SMALL, LARGE } = process.env;
if (SMALL === undefined || LARGE === undefined) throw new Error('SMALL and LARGE are not both folders');
const [small, large] = await Promise.all([start(SMALL), start(LARGE)]);
try {
  const endpoints = await measure();
  const ratios = endpoints.map(({ ratio }) => ratio).sort((a, b) => a - b);
  const report = {
    question: 'milliseconds of every endpoint on few and on many events, over HTTP, asked in turns',
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration: `${ROUNDS} rounds after ${WARM_UPS} to warm up, each store first in every other one; a process each; nothing cached`,
    events: { small: small.built.raw.rows, large: large.built.raw.rows },
    medianRatio: ratios[Math.floor(ratios.length / 2)],
    endpoints,
  };
  for (const { endpoint, range, small, large, ratio } of endpoints)
    console.log(`${endpoint.padEnd(34)} ${range.padEnd(20)} ${small.p50} ${large.p50} ${ratio}`);
  console.log(`median of the ratios: ${report.medianRatio}`);
  writeFileSync(resultFile('ranges-growth.json'), `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  await Promise.all([stop(small), stop(large)]);
}

async function start(folder: string): Promise<Side> {
  const built: Built = JSON.parse(readFileSync(join(folder, 'built.json'), 'utf8'));
  const file = new URL('./ranges/serve.child.ts', import.meta.url);
  const child = fork(file, [folder, JSON.stringify(built.setting)], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${folder} cannot be served`);
  });
  const [address] = await Promise.race([once(child, 'message'), failed]);
  return { built, child, asked: connect(address) };
}

async function stop({ child, asked }: Side): Promise<void> {
  asked.close();
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

async function measure() {
  const ofLarge = questionsOf(large.built.setting);
  const questions = questionsOf(small.built.setting).map((question, i) => ({
    ...question,
    small: [] as number[],
    large: [] as number[],
    pathOfLarge: ofLarge[i]?.path ?? question.path,
  }));
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    for (const { path, pathOfLarge, ...times } of questions) {
      const asks = [
        async () => ({ to: times.small, answer: await small.asked.ask(path) }),
        async () => ({ to: times.large, answer: await large.asked.ask(pathOfLarge) }),
      ];
      for (const ask of round % 2 === 0 ? asks : asks.toReversed()) {
        const { to, answer } = await ask();
        if (round >= 0) to.push(hundredths(answer.whole));
      }
    }
  }
  return questions.map(({ endpoint, range, ...times }) => {
    const [small, large] = [spread(times.small), spread(times.large)];
    return { endpoint, range, small, large, ratio: hundredths(large.p50 / small.p50) };
  });
}
