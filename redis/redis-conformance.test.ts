import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describeWithStack } from '../stack.fixture.ts';
import { describeLiveStore, type LiveStoreHarness } from './conformance.case.ts';
import { openLive } from './open.ts';

/** Every store is empty, since it has a prefix of its own, one that means something in a pattern. Keys expire by the clock of Redis. */
const on = (address: string): LiveStoreHarness => ({
  open: (options) => openLive(`${address}?prefix=${encodeURIComponent(`test[*]-${randomUUID()}:`)}`, options),
  elapse: async (ms) => void (await pause(ms)),
});

describeWithStack('live store', 'STACK_REDIS', (address) => describeLiveStore('Redis', on(address)));
describeWithStack('live store', 'STACK_REDIS_CLUSTER', (address) =>
  describeLiveStore('Redis Cluster', on(address)),
);
