import { expect, it } from 'vitest';
import { MAX_SOCKETS_A_USER, MAX_SOCKETS_AN_ADDRESS, SocketLimits } from './socket-limits.ts';

const many = (n: number, take: (i: number) => () => void) => Array.from({ length: n }, (_, i) => take(i));

it('limits the sockets of a user wherever they come from, and of nobody else', () => {
  const limits = new SocketLimits();
  const leave = many(MAX_SOCKETS_A_USER, (i) => limits.take(`203.0.113.${i}`, 'ada'));
  expect(() => limits.take('203.0.113.99', 'ada')).toThrow(/50 sockets of one user/);
  limits.take('203.0.113.99', 'bob');
  leave[0]?.();
  limits.take('203.0.113.99', 'ada');
});

it('limits the sockets of an address, whoever has them', () => {
  const limits = new SocketLimits();
  many(MAX_SOCKETS_AN_ADDRESS, (i) => limits.take('203.0.113.1', `user ${i}`));
  expect(() => limits.take('203.0.113.1', 'another')).toThrow(/100 sockets of one address/);
  limits.take('203.0.113.2', 'another');
});

it('limits tokens without a subject by their address alone', () => {
  const limits = new SocketLimits();
  many(MAX_SOCKETS_A_USER + 1, () => limits.take('203.0.113.1', undefined));
});

it('takes nothing where it refuses, and gives a place back once', () => {
  const limits = new SocketLimits();
  const [leave] = many(MAX_SOCKETS_A_USER, () => limits.take('203.0.113.1', 'ada'));
  for (let i = 0; i < 200; i++) expect(() => limits.take('203.0.113.1', 'ada')).toThrow();
  many(MAX_SOCKETS_AN_ADDRESS - MAX_SOCKETS_A_USER, (i) => limits.take('203.0.113.1', `user ${i}`));
  leave?.();
  leave?.();
  limits.take('203.0.113.1', 'ada');
  expect(() => limits.take('203.0.113.2', 'ada')).toThrow();
});
