/** `footfall erase` beside an installation that runs: here a server that answers as its query API does. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readConfig } from '../config.ts';
import type { ErasureReceipt } from '../contract/privacy.ts';
import { runErase, UnfinishedError } from './erase.ts';

const ID = randomUUID();
const BEGUN: ErasureReceipt = {
  id: ID,
  kind: 'visitor',
  requested_by: 'command line',
  requested_at: '2026-03-10T10:00:00.000Z',
  completed_at: null,
  removed: null,
};
const COMPLETED: ErasureReceipt = {
  ...BEGUN,
  completed_at: '2026-03-10T10:00:09.000Z',
  removed: { sessions: 1 },
};

let dataDir: string;
/** How often the receipt is asked for until it is complete. */
let looksNeeded: number;
let asked: string[];

const api = createServer((request, response) => {
  const asksFor = `${request.method} ${request.url}`;
  if (request.url !== '/healthz') asked.push(asksFor);
  const looks = asked.filter((each) => each.startsWith('GET')).length;
  const receipt = request.method === 'GET' && looks >= looksNeeded ? COMPLETED : BEGUN;
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(receipt));
});

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'footfall-erase-'));
  asked = [];
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
});
afterEach(async () => {
  vi.restoreAllMocks();
  api.close();
  api.closeAllConnections();
  await once(api, 'close');
  rmSync(dataDir, { recursive: true });
});

/** A pause is over at once. Answers how long the command waited by its own clock. */
async function erase(): Promise<{ printed: string; waitedMs: number; refusal: unknown }> {
  const { port } = api.address() as AddressInfo;
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  let waitedMs = 0;
  const clock = {
    now: () => waitedMs,
    async pause(ms: number) {
      waitedMs += ms;
    },
  };
  const JWT_SECRET = 'a secret that is long enough for it';
  const config = readConfig({ DATA_DIR: dataDir, API_PORT: `${port}`, JWT_SECRET });
  const refusal: unknown = await runErase(config, { visitor: 'fp-of-somebody' }, clock).catch(
    (error: unknown) => error,
  );
  return { printed: print.mock.calls.flat().join('\n'), waitedMs, refusal };
}

test('prints the receipt as soon as the installation has completed the erasure', async () => {
  looksNeeded = 4;
  const { printed, waitedMs, refusal } = await erase();
  expect(refusal).toBeUndefined();
  expect(JSON.parse(printed)).toEqual(COMPLETED);
  expect(waitedMs).toBe(3 * 500);
  expect(asked[0]).toBe('DELETE /api/analytics/privacy/visitors/fp-of-somebody');
  expect(new Set(asked.slice(1))).toEqual(new Set([`GET /api/analytics/privacy/erasures/${ID}`]));
});

test('waits for a minute, then says that the erasure goes on and where its receipt will be', async () => {
  looksNeeded = Number.POSITIVE_INFINITY;
  const { printed, waitedMs, refusal } = await erase();
  expect(waitedMs).toBe(60_000);
  expect(printed).toBe('');
  expect(refusal).toBeInstanceOf(UnfinishedError);
  expect(String(refusal)).toContain(
    'the erasure has begun and is not complete after 60 s: the installation goes on with it. ' +
      `Its receipt: GET /api/analytics/privacy/erasures/${ID}`,
  );
});
