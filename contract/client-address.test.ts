import { describe, expect, it } from 'vitest';
import { clientAddress, trustedProxies } from './client-address.ts';

const trusted = trustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

describe('the address of a client', () => {
  it.each([
    ['nobody forwards', '203.0.113.5', undefined, '203.0.113.5'],
    ['the peer is not trusted, whatever it claims', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['a trusted proxy names it', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['a client forges the left end', '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    [
      'several trusted proxies stand in a row',
      '10.1.2.3',
      '198.51.100.1, 192.0.2.7, 10.9.9.9',
      '198.51.100.1',
    ],
    ['every hop is trusted', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['an entry is no address', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
    ['the header is empty', '10.1.2.3', '', '10.1.2.3'],
    ['an entry has a port', '10.1.2.3', '198.51.100.1:4711', '198.51.100.1'],
    ['the peer is IPv4 in IPv6', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['it is IPv6 in brackets', 'fd00::1', '[2001:db8::1]:443', '2001:db8::1'],
    ['the peer is no address at all', '', '198.51.100.1', ''],
  ])('is right where %s', (_case, remote, forwardedFor, expected) => {
    expect(clientAddress(remote, forwardedFor, trusted)).toBe(expected);
  });

  it.each(['10.0.0.0/33', 'proxy.example', '10.0.0.0/8/8', '::1/129', '10.0.0.1/'])(
    'refuses %s as a trusted proxy, naming it',
    (range) => expect(() => trustedProxies([range])).toThrow(range),
  );
});
