/**
 * How fast is every endpoint that asks for a range, over HTTP and with nothing cached, beside the two usual ways to count
 * the same visitors on the same data in the same engine: `uniqExact` and `uniq` of raw events, and daily `uniqCombined64`
 * states that are merged? And what does it take to keep it so: the build, what it has on disk, the close of a day?
 *
 * `EVENTS` (10 million by default) of `DAYS` closed days and an open one. `ROUNDS` requests of each endpoint, one at a time;
 * `CONTROL_ROUNDS` of what is compared. Our numbers have to be those of `uniqExact`, or it fails. With `KEEP_DATA=FOLDER` events
 * are made once and measured again, on a copy. Results of 10 and 100 million events are kept.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisMachine } from './machine.ts';
import { BATCH, BATCH_EVERY_MS } from './ranges/closing.ts';
import { SEED } from './ranges/history.ts';
import { type Report, textOf } from './ranges/report.ts';
import { type Setting, settingOf } from './ranges/setting.ts';
import { resultFile } from './result.ts';

const EVENTS = Number(process.env.EVENTS ?? 10_000_000);
const DAYS = Number(process.env.DAYS ?? 365);
const ROUNDS = Number(process.env.ROUNDS ?? 40);
const CONTROL_ROUNDS = Number(process.env.CONTROL_ROUNDS ?? 5);
const KEPT = process.env.KEEP_DATA;
/** Millions of events of which results are kept. */
const SIZES = [10, 100];

if (!(DAYS >= 30)) throw new Error(`DAYS is ${DAYS}, and a range of 30 days must have events: 30 at least`);

const folder = mkdtempSync(join(tmpdir(), 'footfall-ranges-'));
try {
  const setting = KEPT === undefined ? await make(folder) : await copyOf(KEPT, folder);
  await child('measure', folder, JSON.stringify(setting), `${ROUNDS}`, `${CONTROL_ROUNDS}`);
  const report: Report = {
    question:
      'milliseconds of every endpoint that asks for a range, beside uniqExact, uniq and uniqCombined64',
    date: new Date().toISOString(),
    machine: thisMachine(),
    versions: { chdb: versionOf('chdb'), '@clickhouse/client': versionOf('@clickhouse/client') },
    configuration:
      `${setting.events} events of ${setting.visitors} possible visitors in ${setting.days} days, seed ${SEED}, and an open day until 18:00; ` +
      `query API and client in one process, HTTP on one kept connection, one request at a time, rate limits off; the cache of results never has any; ` +
      `${ROUNDS} rounds over all endpoints after 3 to warm up; ${CONTROL_ROUNDS} rounds of controls after one, ours over HTTP in turns with them, they by @clickhouse/client ` +
      `on the same engine with the settings of the API's readers, but for limits; the pages that the operating system caches are warm; ` +
      `meanwhile, while a day closes, ${BATCH} rows every ${BATCH_EVERY_MS} ms`,
    ...read(folder, 'built'),
    ...read(folder, 'measured'),
  };
  console.log(textOf(report));
  const millions = EVENTS / 1_000_000;
  if (SIZES.includes(millions))
    writeFileSync(
      resultFile(`ranges-${millions}m.json`),
      `${compact(JSON.stringify(report, undefined, 2))}\n`,
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Events up to yesterday, and today's. */
async function make(into: string): Promise<Setting> {
  const setting = settingOf(EVENTS, DAYS, new Date().toISOString().slice(0, 10));
  await child('generate', into, JSON.stringify(setting));
  return setting;
}

/** What was made is not measured itself: that changes it. */
async function copyOf(kept: string, into: string): Promise<Setting> {
  const built = join(kept, 'built.json');
  if (!existsSync(built)) {
    mkdirSync(kept, { recursive: true });
    await make(kept);
  }
  const { setting }: { setting: Setting } = JSON.parse(readFileSync(built, 'utf8'));
  if (setting.events !== EVENTS || setting.days !== DAYS) {
    throw new Error(`${kept} has ${setting.events} events of ${setting.days} days, not ${EVENTS} of ${DAYS}`);
  }
  cpSync(kept, into, { recursive: true });
  return setting;
}

/** A process of its own, since chDB keeps a directory for the life of one. */
function child(name: string, ...args: string[]): Promise<void> {
  const file = new URL(`./ranges/${name}.child.ts`, import.meta.url).pathname;
  const running = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    stdio: 'inherit',
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  return new Promise((resolve, reject) => {
    running.on('error', reject);
    running.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${name} ended with ${code ?? signal}`)),
    );
  });
}

function read(from: string, name: 'built' | 'measured') {
  return JSON.parse(readFileSync(join(from, `${name}.json`), 'utf8'));
}

/** Lists of numbers in one line. */
function compact(json: string): string {
  return json.replaceAll(/\[[\s\d.,]+\]/g, (list) => list.replaceAll(/\s+/g, ' '));
}

function versionOf(name: string): string {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}
