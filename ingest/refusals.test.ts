/** Answers that are errors, and the lines of the log that belong to them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultyLog } from '../kafka/faulty-log.fixture.ts';
import { openLog } from '../kafka/open.ts';
import { type LogLine, recordingLogger } from '../logger.fixture.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { NO_TIME, startTestCollector } from './collector.fixture.ts';
import type { Collector, CollectorOptions } from './collector.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const BEACON = { url: '/page', fingerprint: 'fingerprint-1' };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let folder: string;
let log: FaultyLog;
let live: LiveStore;
let collector: Collector;
let metrics: Registry;
let lines: LogLine[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-refusals-'));
  const limits = { retentionMs: 3_600_000, retentionBytes: 1e8, maxBytes: 1e9 };
  log = new FaultyLog(await openLog(`lmdb://${folder}`, { partitions: 2, ...limits }));
  live = await openLive('memory://');
});

afterEach(async () => {
  await collector.close();
  await log.close();
  await live.close();
  await rm(folder, { recursive: true });
});

async function start(changes: Partial<CollectorOptions> = {}, level = 'debug'): Promise<void> {
  const recording = recordingLogger(level);
  lines = recording.lines;
  metrics = new Registry();
  collector = await startTestCollector({ log, live, metrics, logger: recording.logger, ...changes });
}

function post(body: unknown): Promise<Response> {
  return fetch(`http://127.0.0.1:${collector.port}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': FIREFOX },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const idOf = (answer: Response) => answer.headers.get('X-Request-Id');
const linesOf = (id: string | null) => lines.filter(({ requestId }) => requestId === id);

describe('an answer that is an error has an id that the log has, too', () => {
  test('of a request that is wrong: at debug, with nothing that it said', async () => {
    await start();
    const answer = await post({ url: '/secret-page', fingerprint: 'short', user_id: 'ann' });
    expect(answer.status).toBe(400);
    expect(idOf(answer)).toMatch(UUID);
    expect(linesOf(idOf(answer))).toEqual([
      expect.objectContaining({ level: 'debug', error: 'invalid_beacon', field: 'fingerprint' }),
    ]);
    const broken = await post('{"url":"/secret-page');
    expect(linesOf(idOf(broken))).toMatchObject([{ error: 'malformed_json' }]);
    expect(JSON.stringify(lines)).not.toMatch(/secret-page|ann|short|127\.0\.0\.1/);
    expect(idOf(answer)).not.toBe(idOf(broken));
    expect(answer.headers.get('Access-Control-Expose-Headers')).toContain('X-Request-Id');
  });

  test('of beacons that the log does not take: a warning, and one id for all that went with an append', async () => {
    await start();
    log.fault = 'refuses';
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(BEACON)));
    const ids = new Set(answers.map(idOf));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
    expect(ids.size).toBeLessThan(20);
    for (const id of ids) expect(linesOf(id).map(({ level }) => level)).toContain('debug');
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({ requestId: [...ids][0], unsaid: 0 }),
    ]);
  });

  test('of a bug: an error with what happened, and it is counted', async () => {
    await start({}, 'info');
    log.append = () => Promise.reject(new TypeError('a bug of the test'));
    const answer = await post(BEACON);
    expect(answer.status).toBe(500);
    expect(linesOf(idOf(answer))).toMatchObject([
      { level: 'error', err: { type: 'TypeError', message: 'a bug of the test' } },
    ]);
    expect(await metrics.metrics()).toContain('footfall_requests_failed_total 1');
  });

  test('but one for which there is no time: it is only counted', async () => {
    await start({ turnBudget: NO_TIME });
    const answers = await Promise.all(Array.from({ length: 200 }, () => post(BEACON)));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused).not.toHaveLength(0);
    for (const answer of refused) expect(idOf(answer)).toBeNull();
    expect(await metrics.metrics()).toContain(`{reason="overloaded"} ${refused.length}`);
    expect(lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });
});

test('drops that the log does not know of are told once in a while, not each', async () => {
  await start();
  log.fault = 'refuses';
  const bot = { 'Content-Type': 'text/plain', 'User-Agent': 'Googlebot/2.1' };
  const send = () =>
    fetch(`http://127.0.0.1:${collector.port}/e`, {
      method: 'POST',
      headers: bot,
      body: JSON.stringify(BEACON),
    });
  for (let n = 0; n < 3; n += 1) expect((await send()).status).toBe(202);
  expect(await metrics.metrics()).toContain('footfall_drops_not_recorded_total 3');
  expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
});

describe('an accepted beacon', () => {
  test('has a line with its partition and offset at debug, as raw will have them', async () => {
    await start();
    expect((await post([BEACON, BEACON])).status).toBe(202);
    expect((await post(BEACON)).status).toBe(202);
    const frames = lines.filter(({ msg }) => msg === 'a frame is durable');
    expect(frames.map(({ partition }) => partition)).toEqual([frames[0]?.partition, frames[0]?.partition]);
    expect(frames).toMatchObject([
      { level: 'debug', offset: 0, events: 2, bytes: expect.any(Number), ms: expect.any(Number) },
      { level: 'debug', offset: 1, events: 1 },
    ]);
    const end = (await log.lag('nobody')).find((each) => each.partition === frames[0]?.partition)?.end;
    expect(end).toBe(2);
    expect(JSON.stringify(lines)).not.toMatch(/127\.0\.0\.1|fingerprint-1/);
  });

  test('has none otherwise', async () => {
    await start({}, 'info');
    expect((await post(BEACON)).status).toBe(202);
    expect(lines).toEqual([]);
  });
});
