/** The ledger: what became of every line of the log, by the hour in which it was received. */
import { expect, it } from 'vitest';
import { append, event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { at } from './faults.fixture.ts';
import { useSystem } from './system.fixture.ts';

const system = useSystem();
const HOUR = 60 * MINUTE;

function amounts(): Promise<Record<string, number>> {
  return system()
    .stores.sessions.ledger(0, NOW + 24 * HOUR)
    .then((entries) =>
      Object.fromEntries(
        entries.map(({ hour, partition, name, amount }) => [
          `${(hour - NOW) / HOUR} h, partition ${partition}: ${name}`,
          amount,
        ]),
      ),
    );
}

const drops = (received_at: number, dropped: object) => JSON.stringify({ received_at, dropped });

it('adds up what was accepted, set aside and dropped, each once whatever crashes', async () => {
  const view = event({ event_id: uuid(1) });
  await append(system().log, 0, view, view, '[]', drops(NOW, { bot: 3, prefetch: 1 }));
  await append(
    system().log,
    0,
    { ...view, event_id: uuid(2), received_at: NOW + HOUR },
    drops(NOW + HOUR, { bot: 2 }),
  );
  await append(system().log, 1, event({ visitor: visitor(2) }));
  await (await system().start(at('sessions.applyBatch', 1, { when: 'after', what: 'crash' }))).crashed();
  await (await system().start(at('analytics.insert', 1, { when: 'after', what: 'crash' }))).crashed();
  await system().countAll();

  expect(await amounts()).toEqual({
    // Nobody can tell when a line that cannot be read was received: it goes with the latest of its batch.
    '0 h, partition 0: accepted': 2,
    '0 h, partition 0: duplicate': 1,
    '0 h, partition 0: bot': 3,
    '0 h, partition 0: prefetch': 1,
    '1 h, partition 0: accepted': 2,
    '1 h, partition 0: undecodable': 1,
    '1 h, partition 0: bot': 2,
    '0 h, partition 1: accepted': 1,
  });
  const letters = await system().deadLetters();
  expect(letters.map(({ index }) => index)).toEqual([2]);
  expect(await system().stores.sessions.progress()).toMatchObject([
    { partition: 0, nextOffset: 2, receivedUntil: NOW + HOUR },
    { partition: 1, nextOffset: 1, receivedUntil: NOW },
  ]);
});

it('takes a count of drops that is none for what it is: a line that cannot be read', async () => {
  await append(system().log, 0, drops(NOW, { bot: -1 }), drops(NOW, { bot: '1' }), drops(-1, { bot: 1 }));
  await system().countAll();
  expect(await system().deadLetters()).toHaveLength(3);
});
