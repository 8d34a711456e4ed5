import { describe, expect, it } from 'vitest';
import { EngineUrlError } from '../engine.ts';
import { parseRedisUrl } from './redis-url.ts';

const LOCAL = {
  nodes: [{ host: 'localhost', port: 6379 }],
  cluster: false,
  tls: false,
  username: undefined,
  password: undefined,
  database: 0,
  prefix: 'footfall:',
};

describe('the address of Redis', () => {
  it.each([
    ['redis://localhost', LOCAL],
    ['redis://localhost/', LOCAL],
    [
      'redis://[::1]:7000/3?prefix=two:',
      { nodes: [{ host: '::1', port: 7000 }], database: 3, prefix: 'two:' },
    ],
    ['rediss://ada:p%40ss%3A@localhost', { tls: true, username: 'ada', password: 'p@ss:' }],
    ['redis://:secret@localhost', { username: undefined, password: 'secret' }],
    [
      'redis+cluster://a:1,b:2,c',
      {
        cluster: true,
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 6379 },
        ],
      },
    ],
    ['rediss+cluster://localhost', { cluster: true, tls: true }],
  ])('%s', (url, expected) => expect(parseRedisUrl(url)).toEqual({ ...LOCAL, ...expected }));

  it.each([
    'redis://',
    'redis://localhost:port',
    'redis://a,b',
    'redis+cluster://a,b/1',
    'redis://localhost/one',
    'redis://localhost?size=1',
    'redis://localhost?prefix=%7Ba%7D',
    'redis://secret@localhost',
    'redis://:se%cret@localhost',
    'redis://ada:secret/secret@localhost',
  ])('is not %s, and the error repeats no password', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(EngineUrlError);
    expect(() => parseRedisUrl(url)).not.toThrow(/secret/);
  });
});
