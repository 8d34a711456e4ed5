import { describe, expect, test } from 'vitest';
import { MAX_SOCKETS_A_USER, MAX_SOCKETS_AN_ADDRESS } from '../../query-api/socket-limits.ts';
import { readOptions, SOCKETS_A_USER, SOCKETS_AN_ADDRESS } from './options.ts';

const BASE = { BASE_URL: 'http://127.0.0.1:8000/' };
const DEFAULTS = { rate: 50, duration: '1m', watchers: 40 };

test('defaults are those of the script', () => {
  expect(readOptions(BASE, DEFAULTS)).toMatchObject({
    ingestUrl: 'http://127.0.0.1:8000',
    apiUrl: 'http://127.0.0.1:8000',
    metricsUrls: ['http://127.0.0.1:8000'],
    rate: 50,
    durationS: 60,
    watchers: 40,
    tokens: [],
    sendsAddresses: false,
  });
});

test('collector and API may be at addresses of their own, and metrics at others', () => {
  const environment = {
    ...BASE,
    INGEST_URL: 'http://127.0.0.1:8080',
    METRICS_URLS: 'http://a:1, http://b:2/',
  };
  expect(readOptions(environment, DEFAULTS)).toMatchObject({
    ingestUrl: 'http://127.0.0.1:8080',
    apiUrl: 'http://127.0.0.1:8000',
    metricsUrls: ['http://a:1', 'http://b:2'],
  });
});

test.each([
  ['90s', 90],
  ['10m', 600],
  ['1h30m', 5_400],
])('%s is a duration', (DURATION, durationS) => {
  expect(readOptions({ ...BASE, DURATION }, DEFAULTS).durationS).toBe(durationS);
});

test('an empty variable is one that is not set', () => {
  expect(readOptions({ ...BASE, RATE: '', DURATION: ' ' }, DEFAULTS)).toMatchObject({
    rate: 50,
    durationS: 60,
  });
});

test('sockets are limited as the query API limits them', () => {
  expect([SOCKETS_A_USER, SOCKETS_AN_ADDRESS]).toEqual([MAX_SOCKETS_A_USER, MAX_SOCKETS_AN_ADDRESS]);
});

test('more sockets than a user may have are spread over several tokens', () => {
  const environment = { ...BASE, WATCHERS: '90', TOKEN: 'one, two' };
  expect(readOptions(environment, DEFAULTS)).toMatchObject({ watchers: 90, tokens: ['one', 'two'] });
});

describe('what cannot be is refused, and the variable named', () => {
  test.each([
    [{ BASE_URL: '' }, /^INGEST_URL: is needed, or BASE_URL/],
    [{ BASE_URL: '', INGEST_URL: 'http://a' }, /^API_URL: is needed/],
    [{ BASE_URL: '127.0.0.1:8000' }, /^BASE_URL=127\.0\.0\.1:8000: must be an address/],
    [{ METRICS_URLS: 'here' }, /^METRICS_URLS=here: /],
    [{ RATE: 'fast' }, /^RATE=fast: must be a whole number, 1 or more/],
    [{ RATE: '0' }, /^RATE=0: /],
    [{ RATE: '1.5' }, /^RATE=1\.5: /],
    [{ DURATION: '10' }, /^DURATION=10: must be a duration like/],
    [{ DURATION: '0s' }, /^DURATION=0s: /],
    [{ SPIKE: '1' }, /^SPIKE=1: must be a whole number, 2 or more/],
    [{ POPULATION: '-1' }, /^POPULATION=-1: /],
    [{ SEND_ADDRESSES: 'yes' }, /^SEND_ADDRESSES=yes: must be true or false/],
    [{ WATCHERS: '51' }, /^WATCHERS=51: a user may have 50 sockets/],
    [{ WATCHERS: '101', TOKEN: 'a,b,c' }, /^WATCHERS=101: an address may have 100 sockets/],
  ])('%j', (environment, message) => {
    expect(() => readOptions({ ...BASE, ...environment }, DEFAULTS)).toThrow(message);
  });

  test('a token, where the script asks the API', () => {
    expect(() => readOptions(BASE, { ...DEFAULTS, needsToken: true })).toThrow(/^TOKEN: is needed/);
  });
});
