/** `measure.child.ts FOLDER SETTING ROUNDS CONTROL_ROUNDS`: measures on a filled store, and leaves it in `measured.json`. */
import { writeFile } from 'node:fs/promises';
import { loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { READER_SETTINGS } from '../../clickhouse/settings.ts';
import { select } from '../../clickhouse/statement.ts';
import { type Asked, connect, serve } from './api.ts';
import { closeDay } from './closing.ts';
import {
  askControl,
  COMPARISONS,
  dropStates,
  errorOf,
  makeStates,
  mustBeEqual,
  WAYS,
  withShares,
} from './controls.ts';
import type { Compared, Endpoint, Measured } from './measured.ts';
import { questionsOf, rangesOf } from './questions.ts';
import { type Opened, open, type Setting } from './setting.ts';
import { hundredths, spread } from './statistics.ts';

const WARM_UPS = 3;
/** So that no control is refused. */
const CONTROL_MEMORY_BYTES = Math.floor(totalmem() / 2);

const [, , folder = '', text = '', rounds = '', controlRounds = ''] = process.argv;
const setting: Setting = JSON.parse(text);

const opened = await open(folder, setting, {
  ...READER_SETTINGS,
  max_execution_time: 0,
  max_memory_usage: String(CONTROL_MEMORY_BYTES),
});
const served = await serve(opened.store, setting);
const asked = connect(served);
try {
  await writeFile(join(folder, 'measured.json'), JSON.stringify(await measure()));
} finally {
  asked.close();
  await served.close();
  await opened.close();
}

async function measure(): Promise<Measured> {
  const load = { before: loadavg(), after: loadavg() };
  const [engine] = await select<{ version: string }>(opened.client, 'SELECT version() AS version');
  const endpoints = await measureEndpoints(asked, Number(rounds));
  const states = await makeStates(opened.client);
  const comparisons = await compare(opened, asked, Number(controlRounds));
  await dropStates(opened.client);
  const closing = await closeDay(opened, setting);
  load.after = loadavg();
  return {
    engine: engine?.version ?? '',
    loadAverages: load,
    controlMemoryBytes: CONTROL_MEMORY_BYTES,
    ranges: rangesOf(setting),
    endpoints,
    states,
    comparisons,
    closing,
  };
}

/** A round asks every question once, so that none has warmer caches than another. */
async function measureEndpoints(asked: Asked, rounds: number): Promise<Endpoint[]> {
  const questions = questionsOf(setting).map((question) => ({
    ...question,
    bytes: 0,
    whole: [] as number[],
    firstByte: [] as number[],
  }));
  for (let round = -WARM_UPS; round < rounds; round++) {
    for (const question of questions) {
      const answer = await asked.ask(question.path);
      if (round < 0) continue;
      question.bytes = answer.text.length;
      question.whole.push(hundredths(answer.whole));
      question.firstByte.push(hundredths(answer.firstByte));
    }
  }
  return questions.map(({ endpoint, range, path, bytes, whole, firstByte }) => ({
    endpoint,
    range,
    path,
    bytes,
    ...spread(whole),
    ...(endpoint.startsWith('export/') && { firstByte: { ...spread(firstByte), milliseconds: firstByte } }),
    milliseconds: whole,
  }));
}

/** Ours and the controls in turns, each round in the opposite order of the last. */
async function compare({ client }: Opened, asked: Asked, rounds: number): Promise<Compared[]> {
  const all: Compared[] = [];
  for (const comparison of COMPARISONS) {
    for (const range of rangesOf(setting)) {
      const milliseconds: Record<string, number[]> = {};
      const errors: Record<string, { percent: number; missing: number }> = {};
      const what = `${comparison.name} ${range.name}`;
      // The first is a warm-up.
      for (let round = -1; round < rounds; round++) {
        const ours = async () => {
          const { text, whole } = await asked.ask(comparison.path(range));
          return { rows: comparison.ours(text), whole };
        };
        const ways = [
          { name: 'ours', ask: ours },
          ...WAYS.map((way) => ({ name: way, ask: () => askControl(client, comparison, way, range) })),
        ];
        const answers = new Map<string, Awaited<ReturnType<typeof ours>>>();
        for (const { name, ask } of round % 2 === 0 ? ways : ways.toReversed())
          answers.set(name, await ask());
        const exact = answers.get('uniqExact')?.rows ?? [];
        const shown = await withShares(client, comparison, range, exact);
        mustBeEqual(what, answers.get('ours')?.rows ?? [], shown);
        for (const [name, { rows, whole }] of answers) {
          if (round >= 0) milliseconds[name] = [...(milliseconds[name] ?? []), hundredths(whole)];
          errors[name] = errorOf(rows, exact);
        }
      }
      const p50 = Object.fromEntries(
        Object.entries(milliseconds).map(([name, each]) => [name, spread(each).p50]),
      );
      console.error(`${what}: ${JSON.stringify(p50)}`);
      all.push({ question: comparison.name, range: range.name, p50, errors, milliseconds });
    }
  }
  return all;
}
