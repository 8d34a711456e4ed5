import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Delivery, type DeliveryOptions, openDelivery } from './delivery.ts';

const VIEW = { headers: { 'User-Agent': 'a browser' } };
const WAIT = { timeout: 15_000 };

/** A collector that answers as it is told, since a real one does not fail on request; without an answer it hangs. */
let answers: ((response: ServerResponse) => void)[];
let otherwise: ((response: ServerResponse) => void) | undefined;
let came: { event_id: string; late?: boolean }[];
let atOnce: number;
let most: number;
let server: Server;
let delivery: Delivery;

const status =
  (code: number, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();

beforeEach(async () => {
  answers = [];
  otherwise = status(202);
  came = [];
  atOnce = most = 0;
  server = createServer(async (request, response) => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    response.once('close', () => {
      atOnce -= 1;
    });
    let body = '';
    for await (const chunk of request) body += chunk;
    came.push(JSON.parse(body));
    (answers.shift() ?? otherwise)?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  vi.useRealTimers();
  await delivery.close(0);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(options: Partial<DeliveryOptions> = {}): Delivery {
  delivery = openDelivery({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/e`,
    maxWaiting: 100,
    maxConcurrent: 4,
    timeoutMs: 5_000,
    maxAttempts: 4,
    ...options,
  });
  return delivery;
}
function send(...ids: string[]): void {
  for (const event_id of ids) delivery.send({ ...VIEW, beacon: { event_id } });
}

const stats = (expected: object) => vi.waitFor(() => expect(delivery.stats()).toMatchObject(expected), WAIT);
const ids = () => came.map(({ event_id }) => event_id);

describe('a page view', () => {
  test('is sent again with its event_id after a cut, and counted as sent once', async () => {
    open();
    answers.push((response) => response.destroy());
    send('a');
    await stats({ sent: 1, waiting: 0 });
    expect(ids()).toEqual(['a', 'a']);
  });

  test('is sent again after a collector that hangs longer than the limit', async () => {
    open({ timeoutMs: 100 });
    answers.push(() => {});
    send('a');
    await stats({ sent: 1, waiting: 0 });
    expect(ids()).toEqual(['a', 'a']);
  });

  test('is given up after so many tries', async () => {
    open({ maxAttempts: 2 });
    otherwise = (response) => void response.destroy();
    send('a');
    await stats({ sent: 0, waiting: 0, dropped: { given_up: 1 } });
    expect(ids()).toEqual(['a', 'a']);
  });

  test('is not sent again when the collector calls it wrong', async () => {
    open();
    answers.push(status(400));
    send('a', 'b');
    await stats({ sent: 1, waiting: 0, dropped: { refused: 1 } });
    expect(ids().sort()).toEqual(['a', 'b']);
  });

  test('rests alone when its visitor has sent too many', async () => {
    open({ maxConcurrent: 1 });
    answers.push(status(429, { 'Retry-After': '1' }));
    send('a', 'b', 'c');
    await stats({ sent: 3, waiting: 0 });
    expect(ids()).toEqual(['a', 'b', 'c', 'a']);
  });

  test('says that it is late when it may have been sent long before', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    open();
    answers.push((response) => {
      vi.setSystemTime(Date.now() + 6 * 60_000);
      response.destroy();
    });
    send('a');
    await stats({ sent: 1, waiting: 0 });
    expect(came).toEqual([{ event_id: 'a' }, { event_id: 'a', late: true }]);
  });
});

describe('all page views', () => {
  test('rest for the time that a collector asks for that can take none', async () => {
    open({ maxConcurrent: 1 });
    answers.push(status(503, { 'Retry-After': '1' }));
    const from = performance.now();
    send('a', 'b');
    await stats({ sent: 2, waiting: 0 });
    expect(performance.now() - from).toBeGreaterThan(900);
    expect(ids()).toEqual(['a', 'a', 'b']);
  });

  test('are sent a few at a time, and those beyond the bound are dropped and counted', async () => {
    open({ maxConcurrent: 2, maxWaiting: 5 });
    const held: ServerResponse[] = [];
    otherwise = (response) => void held.push(response);
    send(...'abcdefg');
    expect(delivery.stats()).toMatchObject({ waiting: 5, dropped: { queue_full: 2 } });
    await vi.waitFor(() => expect(held).toHaveLength(2));
    otherwise = status(202);
    for (const response of held) response.writeHead(202).end();
    await stats({ sent: 5, waiting: 0 });
    expect(most).toBe(2);
  });
});

describe('close', () => {
  test('sends what waits, and takes no more', async () => {
    open({ maxConcurrent: 1 });
    send('a', 'b', 'c');
    const closed = delivery.close(10_000);
    send('d');
    await closed;
    expect(delivery.stats()).toMatchObject({ sent: 3, waiting: 0, dropped: { closed: 1 } });
  });

  test('drops what a collector that hangs does not take within the time', async () => {
    open();
    otherwise = undefined;
    send('a', 'b');
    await vi.waitFor(() => expect(came).toHaveLength(2));
    await delivery.close(50);
    expect(delivery.stats()).toMatchObject({ sent: 0, waiting: 0, dropped: { closed: 2 } });
    await vi.waitFor(() => expect(atOnce).toBe(0));
  });
});
