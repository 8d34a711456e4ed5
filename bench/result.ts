/** What a bench leaves: a JSON file beside the others, with the ratios that must not get worse. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thisMachine } from './machine.ts';
import { hundredths } from './ranges/statistics.ts';

const KEPT = fileURLToPath(new URL('./results', import.meta.url));

export interface Result {
  question: string;
  configuration: string;
  /** Of our own to a control's, or to our own under other conditions, measured in one run: more is better. */
  ratios: Record<string, number>;
}

/** In the folder `RESULTS`; where that is not set, the one that is kept. */
export function resultFile(name: string): string {
  const folder = process.env.RESULTS ?? KEPT;
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

export function keep(name: string, result: Result & Record<string, unknown>): void {
  const { question, configuration, ratios, ...figures } = result;
  const all = {
    question,
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration,
    ratios,
    ...figures,
  };
  writeFileSync(resultFile(`${name}.json`), `${JSON.stringify(all, undefined, 2)}\n`);
  console.log(`${name}: ${JSON.stringify(ratios)}`);
}

/** Of the whole machine over the last minute: what else ran there stands in it. */
export const load = () => hundredths(loadavg()[0] ?? 0);

/** Of an even number of values: the middle between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [below, above] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return ((below ?? 0) + (above ?? 0)) / 2;
}
