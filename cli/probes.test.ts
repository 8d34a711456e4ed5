import { once } from 'node:events';
import { connect } from 'node:net';
import { Counter, Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProbes } from './probes.ts';

type Readiness = { ready: boolean; problems: string[] };

let readiness: () => Promise<Readiness>;
let metrics: Registry;
let probes: Awaited<ReturnType<typeof startProbes>>;

beforeEach(async () => {
  readiness = async () => ({ ready: true, problems: [] });
  metrics = new Registry();
  probes = await startProbes({ host: '127.0.0.1', port: 0, metrics, readiness: () => readiness() });
});
afterEach(() => probes.close());

const ask = (path: string) => fetch(`http://127.0.0.1:${probes.port}${path}`);

test('the process lives, whatever its stores do', async () => {
  readiness = async () => ({ ready: false, problems: ['analytics: away'] });
  const answer = await ask('/healthz');
  expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
});

test('it is ready, or says in words why it is not', async () => {
  const ready = await ask('/readyz');
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true, problems: [] }]);
  const found = { ready: false, problems: ['analytics: away'] };
  readiness = async () => found;
  const waiting = await ask('/readyz?verbose');
  expect([waiting.status, await waiting.json()]).toEqual([503, found]);
});

test('metrics are served as Prometheus reads them', async () => {
  new Counter({ name: 'footfall_test_total', help: 'of this test', registers: [metrics] }).inc(3);
  const answer = await ask('/metrics');
  expect(answer.headers.get('content-type')).toBe(metrics.contentType);
  expect(await answer.text()).toContain('footfall_test_total 3');
});

test('a question that cannot be answered is a 500, and any other address a 404', async () => {
  readiness = async () => {
    throw new Error('a bug');
  };
  expect((await ask('/readyz')).status).toBe(500);
  for (const path of ['/constructor', '/', '//']) expect((await ask(path)).status).toBe(404);
  expect((await ask('/healthz')).status).toBe(200);
});

test('a port that is taken ends the start', async () => {
  const again = startProbes({ host: '127.0.0.1', port: probes.port, metrics, readiness });
  await expect(again).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: expect.stringContaining('PIPELINE_PORT'),
  });
});

test('closing cuts whoever still holds a connection', async () => {
  const socket = connect(probes.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n');
  await once(socket, 'data');
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  await probes.close();
  await ended;
  await expect(ask('/healthz')).rejects.toThrow();
});

test('every answer is to be taken for what it is said to be', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/nowhere']) {
    expect((await ask(path)).headers.get('x-content-type-options')).toBe('nosniff');
  }
});
