/**
 * The connection to the session store is cut at commits, some before the server has them, some before their answers are
 * here. What is unclear comes again, is found behind the checkpoint, and counts once.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { random } from '../clickhouse/reference.case.ts';
import { EmbeddedServer } from '../postgres/embedded.ts';
import { openSessions } from '../postgres/open.ts';
import type { SessionStore } from '../postgres/port.ts';
import { CuttingProxy } from '../postgres/proxy.fixture.ts';
import { event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { Ledger } from './exactly-once.fixture.ts';
import { openStores, type TestStores } from './stores.fixture.ts';
import { System } from './system.fixture.ts';

const ROUNDS = 12;
const VISITORS = 6;
const CUTS = ['before the commit', 'before its answer', undefined] as const;
const seed = Date.now() % 2 ** 31;

let stores: TestStores;
let server: EmbeddedServer;
let proxy: CuttingProxy;
let sessions: SessionStore;

beforeAll(async () => {
  stores = await openStores();
  server = await EmbeddedServer.open(join(stores.folder, 'postgres'), () => {});
  const { user, password, port, database } = await server.connection();
  const direct = `postgresql://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  proxy = await CuttingProxy.to(() => direct);
  sessions = await openSessions(proxy.url(direct), { sessionTimeoutMs: 86_400_000 });
});
afterAll(async () => {
  await sessions.close();
  await proxy.close();
  await server.stop();
  await stores.close();
});

it(`counts everything once through commits of unknown outcome (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const next = random(seed);
  const system = await System.open({ ...stores, sessions });
  const ledger = new Ledger(system);
  const running = await system.start();
  const cuts = new Map<string, number>();
  proxy.cut = () => {
    const cut = CUTS[Math.floor(next() * CUTS.length)];
    if (cut !== undefined) cuts.set(cut, (cuts.get(cut) ?? 0) + 1);
    return cut;
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (let partition = 0; partition < system.log.partitions; partition++) {
      const who = visitor(10 * partition + Math.floor(next() * VISITORS));
      const at = NOW + round * MINUTE;
      await ledger.append(
        partition,
        event({ visitor: who, received_at: at, event_id: uuid(100 * round + partition) }),
        event({
          visitor: who,
          received_at: at,
          event_id: uuid(100 * round + 50 + partition),
          type: 'heartbeat',
        }),
      );
    }
    await system.counted();
  }
  proxy.cut = () => undefined;
  await ledger.expectCountedOnce();
  expect(running.problems()).toEqual([]);
  expect([...cuts.keys()].sort()).toEqual(['before its answer', 'before the commit']);
  await system.close();
});
