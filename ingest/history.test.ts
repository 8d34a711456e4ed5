import { describe, expect, test } from 'vitest';
import { oneKey } from '../contract/visitor-key.ts';
import { formatOf, historyReader } from './history.ts';

const NOW = Date.parse('2026-01-31T00:00:00Z');
const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const reader = (format: 'ndjson' | 'combined') => historyReader(format, oneKey('a secret'), () => NOW);

test('the format is told by the first line', () => {
  expect(formatOf('{"ts":"2025-01-01T00:00:00Z"}')).toBe('ndjson');
  expect(formatOf('1.2.3.4 - - [')).toBe('combined');
});

describe('NDJSON of beacons', () => {
  const line = (fields: object) =>
    JSON.stringify({ ts: '2025-10-11T12:00:00Z', url: '/page', fingerprint: 'fingerprint-1', ...fields });

  test('counts when it happened, and was received now', async () => {
    const read = await reader('ndjson');
    expect(read(line({ user_id: 'u' }))).toMatchObject({
      event: { ts: Date.parse('2025-10-11T12:00:00Z'), received_at: NOW, url: '/page', user_id: 'u' },
    });
  });

  test('with an offset is the instant it names', async () => {
    const read = await reader('ndjson');
    expect(read(line({ ts: '2025-10-11T14:00:00.5+02:00' }))).toMatchObject({
      event: { ts: Date.parse('2025-10-11T12:00:00.500Z') },
    });
  });

  test('keeps its own event id; without one gets the same on every reading, another for an equal line', async () => {
    const own = '01234567-89ab-4def-8123-456789abcdef';
    const [first, second] = [await reader('ndjson'), await reader('ndjson')];
    expect(first(line({ event_id: own }))).toMatchObject({ event: { event_id: own } });
    const idOf = (result: ReturnType<typeof first>) =>
      'event' in result ? result.event.event_id : undefined;
    const [a, b] = [idOf(first(line({}))), idOf(first(line({})))];
    expect(a).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(b).not.toBe(a);
    expect([idOf(second(line({}))), idOf(second(line({})))]).toEqual([a, b]);
  });

  test.each([
    ['not JSON', '{"ts":', /not JSON/],
    ['no instant', line({ ts: undefined }), /ts must be/],
    ['a day without a time', line({ ts: '2025-10-11' }), /ts must be/],
    ['no real time', line({ ts: '2025-13-41T25:00:00Z' }), /ts must be/],
    ['before 1970', line({ ts: '1969-12-31T23:59:59Z' }), /ts must be/],
    ['the future', line({ ts: '2026-02-01T00:00:00Z' }), /future/],
    ['a broken field', line({ fingerprint: 'short' }), /fingerprint/],
    ['a number', '7', /ts must be/],
  ])('is refused for %s', async (_what, text, reason) => {
    const read = await reader('ndjson');
    expect(read(text)).toEqual({ refused: expect.stringMatching(reason) });
  });
});

describe('a combined log', () => {
  const request = (fields: {
    target?: string;
    status?: number;
    agent?: string;
    user?: string;
    method?: string;
  }) => {
    const {
      target = '/page?utm_source=x&secret=1',
      status = 200,
      agent = CHROME,
      user = '-',
      method = 'GET',
    } = fields;
    return `24.48.0.1 - ${user} [11/Oct/2025:13:55:36 -0700] "${method} ${target} HTTP/1.1" ${status} 12 "https://a.example/?q=1" "${agent}"`;
  };

  test('gives page views, with country and browser, and keeps no address', async () => {
    const read = await reader('combined');
    const result = read(request({ user: 'jo' }));
    expect(result).toMatchObject({
      event: {
        type: 'page_view',
        ts: Date.parse('2025-10-11T20:55:36Z'),
        url: '/page?utm_source=x',
        user_id: 'jo',
        referrer: 'https://a.example/',
        country: 'CA',
        browser: 'Chrome',
      },
    });
    expect(JSON.stringify(result)).not.toContain('24.48.0.1');
  });

  test('tells visitors by address and browser', async () => {
    const read = await reader('combined');
    const visitorOf = (line: string) => {
      const result = read(line);
      return 'event' in result ? result.event.visitor : '';
    };
    const one = visitorOf(request({}));
    expect(visitorOf(request({ target: '/other' }))).toBe(one);
    expect(visitorOf(request({ agent: CHROME.replace('138', '139') }))).not.toBe(one);
  });

  test.each([
    [request({ target: '/style.css?v=1' }), 'not_a_page'],
    [request({ method: 'POST' }), 'not_a_page'],
    [request({ status: 404 }), 'failed_request'],
    [request({ status: 301 }), 'failed_request'],
    [request({ agent: 'Googlebot/2.1 (+http://www.google.com/bot.html)' }), 'bot'],
  ])('skips what is not a page view of a person: %s', async (line, skipped) => {
    const read = await reader('combined');
    expect(read(line)).toEqual({ skipped });
  });

  test.each([
    ['no log line', /combined log format/],
    [request({}).replace('11/Oct/2025', '41/Foo/2025'), /ts must be/],
    [request({ target: 'http://[' }), /url/],
  ])('refuses %s', async (line, reason) => {
    const read = await reader('combined');
    expect(read(line)).toEqual({ refused: expect.stringMatching(reason) });
  });
});
