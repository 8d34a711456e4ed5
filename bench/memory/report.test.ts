import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ByPart, isSteady, mostOf, PARTS } from './installed.ts';
import { excesses, LIMITS, type Phases, tableOf } from './report.ts';

function memory(mib: number): ByPart {
  const resident = { onceMiB: mib, pssMiB: mib, rssMiB: mib, privateMiB: mib, anonymousMiB: mib };
  return {
    supervisor: resident,
    collector: resident,
    'pipeline and API': resident,
    PostgreSQL: resident,
    all: resident,
  };
}

const phases = (over: number) => ({
  idle: memory(LIMITS.idleMiB + over),
  most: memory(LIMITS.loadedMiB + over),
  catchingUp: memory(LIMITS.loadedMiB + over),
});

it('names what is over a limit, and lets pass what is at it', () => {
  expect(excesses(phases(0))).toEqual([]);
  expect(excesses(phases(1))).toEqual([
    `idle: ${LIMITS.idleMiB + 1} MiB are resident, and ${LIMITS.idleMiB} are allowed`,
    `under load: ${LIMITS.loadedMiB + 1} MiB are resident, and ${LIMITS.loadedMiB} are allowed`,
    `catching up: ${LIMITS.loadedMiB + 1} MiB are resident, and ${LIMITS.loadedMiB} are allowed`,
  ]);
});

it('has 600 MB and 1.5 GB as its limits', () => {
  expect(LIMITS.idleMiB * 1024 ** 2).toBeLessThanOrEqual(600e6);
  expect(LIMITS.loadedMiB * 1024 ** 2).toBeLessThanOrEqual(1_500e6);
});

it('takes memory for steady once so many samples in a row are alike', () => {
  const samples = [100, 50, 51, 50].map(memory);
  expect(isSteady(samples, 3, 0.02)).toBe(true);
  expect(isSteady(samples, 3, 0.01)).toBe(false);
  expect(isSteady(samples, 4, 0.02)).toBe(false);
  expect(isSteady(samples.slice(1), 4, 0.02)).toBe(false);
});

it('keeps the most of each part, whenever that was', () => {
  const samples = [memory(5), { ...memory(3), supervisor: memory(9).supervisor }];
  expect(mostOf(samples)).toEqual({ ...memory(5), supervisor: memory(9).supervisor });
});

it('is documented as it is kept', () => {
  const kept: Phases = JSON.parse(readFileSync(new URL('../results/memory.json', import.meta.url), 'utf8'));
  const table = tableOf(kept);
  expect(table.split('\n')).toHaveLength(PARTS.length + 4);
  expect(readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')).toContain(table);
});
