import { describe, expect, it } from 'vitest';
import type { Event } from '../contract/event.ts';
import { append, event, MINUTE, NOW, number, uuid, visitor } from './events.fixture.ts';
import type { RawRow } from './stores.fixture.ts';
import { useSystem } from './system.fixture.ts';

const system = useSystem();
const places = async () => (await system().stores.raw()).map(({ place }) => place);

describe('a line that is no event', () => {
  it('goes to the dead letters with the reason, and the others go on', async () => {
    const lines: [string, RegExp][] = [
      ['{"type":"page_view"', /^not JSON: ./],
      ['[1]', /^not an event: ./],
      [JSON.stringify({ ...event(), url: undefined }), /url/],
      [JSON.stringify({ ...event(), type: 'purchase' }), /\/type/],
    ];
    const bad = lines.map(([line]) => line);
    await append(system().log, 0, event(), ...bad, event());
    await append(system().log, 0, event());
    const running = await system().start();
    await system().counted();

    expect(await places()).toEqual(['0:0:0', `0:0:${bad.length + 1}`, '0:1:0']);
    expect(await system().deadLetters()).toEqual(
      lines.map(([line, reason], n) => ({
        partition: 0,
        offset: 0,
        index: n + 1,
        reason: expect.stringMatching(reason),
        body: Buffer.from(line),
      })),
    );
    expect(await running.metric('footfall_events_set_aside_total', { reason: 'undecodable' })).toBe(
      bad.length,
    );
    expect(await running.metric('footfall_events_counted_total')).toBe(3);
  });

  it('is also one that a store would refuse for ever', async () => {
    await append(
      system().log,
      0,
      JSON.stringify(event({ event_id: 'seven' })),
      JSON.stringify(event({ community_id: '' })),
      JSON.stringify(event({ division_id: "'" })),
      JSON.stringify(event({ ts: 8.64e15 })),
      JSON.stringify(event({ received_at: Date.parse('2150-01-01') })),
      event(),
    );
    await system().countAll();
    expect(await places()).toEqual(['0:0:5']);
    expect((await system().deadLetters()).map(({ reason }) => reason.split(' ')[3])).toEqual([
      '/event_id',
      '/community_id',
      '/division_id',
      '/ts',
      '/received_at',
    ]);
  });

  it('is kept byte for byte when it is not even text', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x80]);
    await system().log.append(1, bytes);
    await append(system().log, 1, event());
    await system().countAll();

    expect(await places()).toEqual(['1:1:0']);
    expect(await system().deadLetters()).toEqual([
      { partition: 1, offset: 0, index: 0, reason: 'not UTF-8', body: bytes },
    ]);
  });

  it('leaves an empty frame behind without a word', async () => {
    await system().log.append(0, Buffer.from('\n\n'));
    await append(system().log, 0, event());
    await system().countAll();
    expect(await places()).toEqual(['0:1:0']);
    expect(await system().deadLetters()).toEqual([]);
  });
});

describe('a repeat', () => {
  const repeated = event({ event_id: uuid(1) });
  const again = (ms: number) => ({ ...repeated, received_at: NOW + ms });

  it('counts once within a batch', async () => {
    await append(system().log, 0, repeated, again(5));
    await append(system().log, 0, again(10 * MINUTE));
    const running = await system().start();
    await system().counted();
    expect(await places()).toEqual(['0:0:0']);
    expect(await running.metric('footfall_events_set_aside_total', { reason: 'duplicate' })).toBe(2);
  });

  it.each([0, 30_000])(
    'counts once across batches for ten minutes, to the millisecond, from %i ms on',
    async (from) => {
      await append(system().log, 0, again(from));
      await system().start();
      await system().counted();
      await append(system().log, 0, again(from + 10 * MINUTE));
      await append(system().log, 0, event({ event_id: uuid(2), received_at: NOW + from + 1 }));
      await system().counted();
      expect(await places()).toEqual(['0:0:0', '0:2:0']);
      await append(system().log, 0, again(from + 10 * MINUTE + 1));
      await system().counted();
      expect(await places()).toEqual(['0:0:0', '0:2:0', '0:3:0']);
    },
  );

  it('counts once however long before it was counted, and again for another visitor', async () => {
    await append(system().log, 0, repeated);
    await system().start();
    await system().counted();
    for (const minute of [2, 4, 6, 8]) {
      await append(
        system().log,
        0,
        event({ event_id: uuid(10 + minute), received_at: NOW + minute * MINUTE }),
      );
      await append(system().log, 0, again(minute * MINUTE));
      await append(system().log, 0, { ...again(minute * MINUTE), visitor: visitor(minute) });
      await system().counted();
    }
    expect((await system().stores.raw()).map(({ visitor, event_id }) => [visitor, event_id])).toEqual([
      [number(1), uuid(1)],
      ...[2, 4, 6, 8].flatMap((minute) => [
        [number(1), uuid(10 + minute)],
        [number(minute), uuid(1)],
      ]),
    ]);
  });

  it('counts once across a restart', async () => {
    await append(system().log, 0, repeated);
    await system().countAll();
    await append(system().log, 0, again(10 * MINUTE));
    await system().countAll();
    expect(await places()).toEqual(['0:0:0']);
  });

  it('counts once where its frame came late, after newer ones', async () => {
    await append(system().log, 0, repeated);
    await system().start();
    await system().counted();
    await append(system().log, 0, event({ event_id: uuid(2), received_at: NOW + 60 * MINUTE }));
    await system().counted();
    await append(system().log, 0, again(MINUTE));
    await system().counted();
    expect(await places()).toEqual(['0:0:0', '0:1:0']);
  });

  it('counts once where frames that waited for hours come between new ones, without their hours in memory', async () => {
    const waited = (n: number) => event({ event_id: uuid(n), received_at: NOW - n * 60 * MINUTE });
    await append(system().log, 0, waited(3), waited(3), waited(2));
    const running = await system().start();
    await system().counted();
    for (const hour of [2, 3, 4]) {
      await append(system().log, 0, event({ event_id: uuid(10 + hour), received_at: NOW + hour }));
      await append(system().log, 0, waited(hour), waited(hour + 2));
      await system().counted();
    }
    expect((await system().stores.raw()).map(({ event_id }) => event_id)).toEqual(
      [3, 2, 12, 4, 13, 5, 14, 6].map(uuid),
    );
    expect(running.process.callsOf('analytics.recentEventIds')).toBe(1);
  });

  it('counts again after more than ten minutes, whether in a batch, across batches or across a restart', async () => {
    const later = (windows: number) => again(windows * (10 * MINUTE + 1));
    await append(system().log, 0, repeated, later(1));
    const running = await system().start();
    await system().counted();
    await append(system().log, 0, later(2));
    await system().counted();
    await running.close();
    await append(system().log, 0, later(3));
    await system().countAll();
    expect(await places()).toEqual(['0:0:0', '0:0:1', '0:1:0', '0:2:0']);
  });

  it('is one of the same visitor: two with the same event id both count', async () => {
    await append(system().log, 0, repeated, { ...repeated, visitor: visitor(2) });
    await system().countAll();
    await append(system().log, 0, { ...repeated, visitor: visitor(3) });
    await system().countAll();
    expect((await system().stores.raw()).map((row) => row.visitor)).toEqual([1, 2, 3].map(number));
  });

  it('is never seen in an event without an id', async () => {
    await append(system().log, 0, event(), event());
    await system().countAll();
    await append(system().log, 0, event());
    await system().countAll();
    expect(await places()).toEqual(['0:0:0', '0:0:1', '0:1:0']);
  });
});

describe('an event that is marked late', () => {
  const view = event({ event_id: uuid(1) });
  const HOUR = 60 * MINUTE;
  const late = (ms: number) => ({ ...view, received_at: NOW + ms, late: true });

  it('counts once where it was counted days before, across batches and across a restart', async () => {
    await append(system().log, 0, view);
    const running = await system().start();
    await system().counted();
    await append(system().log, 0, event({ event_id: uuid(2), received_at: NOW + 24 * HOUR }));
    await system().counted();
    await append(system().log, 0, late(24 * HOUR));
    await system().counted();
    await running.close();
    await append(system().log, 0, late(7 * 24 * HOUR));
    await system().countAll();
    expect(await places()).toEqual(['0:0:0', '0:1:0']);
  });

  it('counts once within a batch, and when it is sent late again', async () => {
    await append(system().log, 0, view, late(24 * HOUR), late(48 * HOUR));
    await append(system().log, 0, late(72 * HOUR));
    await system().countAll();
    expect(await places()).toEqual(['0:0:0']);
  });

  it('counts when it is received where it was not counted before', async () => {
    await append(system().log, 0, event({ event_id: uuid(2) }));
    await append(system().log, 0, late(24 * HOUR), { ...late(24 * HOUR), visitor: visitor(2) });
    await system().countAll();
    const raw = await system().stores.raw();
    expect(raw.map(({ place, day }) => [place, day])).toEqual([
      ['0:0:0', '2026-03-10'],
      ['0:1:0', '2026-03-11'],
      ['0:1:1', '2026-03-11'],
    ]);
    expect(await system().stores.viewsThatDiffer()).toEqual([]);
  });

  it('counts once where the first sending leaves a spool after it', async () => {
    await append(system().log, 0, late(24 * HOUR));
    const running = await system().start();
    await system().counted();
    await append(system().log, 0, view);
    await system().counted();
    await running.close();
    await append(system().log, 0, { ...view, received_at: NOW + MINUTE });
    await system().countAll();
    expect(await places()).toEqual(['0:0:0']);
  });

  it('counts again when it comes later than raw remembers', async () => {
    await append(system().log, 0, view);
    await append(system().log, 0, late(7 * 24 * HOUR + 1));
    await system().countAll();
    expect(await places()).toEqual(['0:0:0', '0:1:0']);
  });
});

describe('imported history', () => {
  const past = event({ event_id: uuid(1), ts: Date.parse('2025-12-31T23:59:59Z') });

  it('counts on the day when it happened', async () => {
    await append(system().log, 0, past);
    await system().countAll();
    expect((await system().stores.raw()).map(({ day }) => day)).toEqual(['2025-12-31']);
    expect(await system().stores.viewsThatDiffer()).toEqual([]);
  });

  it('counts once, however long after it is imported again', async () => {
    await append(system().log, 0, past);
    const running = await system().start();
    await system().counted();
    const muchLater = { ...past, received_at: NOW + 30 * 24 * 60 * MINUTE };
    await append(system().log, 0, muchLater, { ...muchLater, event_id: uuid(2) });
    await system().counted();
    expect(await places()).toEqual(['0:0:0', '0:1:1']);
    expect(await running.metric('footfall_events_set_aside_total', { reason: 'duplicate' })).toBe(1);
  });
});

describe('two imports of one file that wait in the log together', () => {
  it('count once, though more than the window apart', async () => {
    const past = event({ event_id: uuid(1), ts: Date.parse('2025-12-31T23:59:59Z') });
    await append(system().log, 0, past);
    await append(system().log, 0, { ...past, received_at: past.received_at + 60 * MINUTE });
    await system().countAll();
    expect(await places()).toEqual(['0:0:0']);
  });
});

describe('the place of an event', () => {
  const [city, province, unknown] = [uuid(11), uuid(12), uuid(19)];
  const [cyclists, homeless] = [uuid(21), uuid(22)];

  async function placesOf(fields: Partial<Event>[]): Promise<RawRow[]> {
    const { sessions } = system().stores;
    await sessions.saveDivisions([
      { id: city, name: 'Laval', type: 'city', parentId: null, country: 'CA' },
      { id: province, name: 'Bali', type: 'province', parentId: null, country: 'ID' },
    ]);
    await sessions.saveCommunities([
      { id: cyclists, name: 'Cyclists', divisionId: city },
      { id: homeless, name: 'Everywhere', divisionId: null },
    ]);
    await append(system().log, 0, ...fields.map(event));
    await system().countAll();
    return system().stores.raw();
  }

  it("says whether the visitor's division is the community's, where both are known", async () => {
    const rows = await placesOf([
      { community_id: cyclists, division_id: city },
      { community_id: cyclists, division_id: province },
      { community_id: cyclists, division_id: unknown },
      { community_id: cyclists },
      { division_id: city },
      { community_id: homeless, division_id: city },
      { community_id: unknown, division_id: city },
    ]);
    expect(rows.map(({ relation }) => relation)).toEqual([
      'same',
      'cross',
      'cross',
      'unknown',
      'unknown',
      'unknown',
      'unknown',
    ]);
  });

  it('has the type of the division, and its country where the address says none', async () => {
    const rows = await placesOf([
      { division_id: province },
      { division_id: province, country: 'SG' },
      { division_id: unknown },
      {},
    ]);
    expect(rows.map(({ division_type, country }) => [division_type, country])).toEqual([
      ['province', 'ID'],
      ['province', 'SG'],
      ['', ''],
      ['', ''],
    ]);
  });
});
