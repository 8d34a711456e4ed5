import { describe, expect, it } from 'vitest';
import { append, event, MINUTE, NOW, number, uuid, visitor } from './events.fixture.ts';
import { useSystem } from './system.fixture.ts';

const system = useSystem();
const places = async () => (await system().stores.raw()).map(({ place }) => place);

describe('a line that is no event', () => {
  it.each([
    ['is cut off', '{"type":"page_view"', /^not JSON: ./],
    ['is JSON of another kind', '[1]', /^not an event: ./],
    ['lacks a field', JSON.stringify({ ...event(), url: undefined }), /url/],
    ['names an unknown type', JSON.stringify({ ...event(), type: 'purchase' }), /\/type/],
    ['has an event id that is no UUID', JSON.stringify(event({ event_id: 'seven' })), /\/event_id/],
    ['has a community that is no UUID', JSON.stringify(event({ community_id: '' })), /\/community_id/],
    ['has a division that is no UUID', JSON.stringify(event({ division_id: "'" })), /\/division_id/],
    ['happened after the last day there is', JSON.stringify(event({ ts: 8.64e15 })), /\/ts/],
  ])(
    'goes to the dead letters when it %s, with the reason, and the others go on',
    async (_, line, reason) => {
      await append(system().log, 0, event(), line, event());
      await append(system().log, 0, event());
      const running = await system().start();
      await system().counted();

      expect(await places()).toEqual(['0:0:0', '0:0:2', '0:1:0']);
      expect(await system().deadLetters()).toEqual([
        { partition: 0, offset: 0, index: 1, reason: expect.stringMatching(reason), body: Buffer.from(line) },
      ]);
      expect(await running.metric('footfall_events_set_aside_total', { reason: 'undecodable' })).toBe(1);
      expect(await running.metric('footfall_events_counted_total')).toBe(3);
    },
  );

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

  it('counts once across batches', async () => {
    await append(system().log, 0, repeated);
    await system().start();
    await system().counted();
    await append(system().log, 0, again(10 * MINUTE));
    await system().counted();
    expect(await places()).toEqual(['0:0:0']);
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

describe('the place of an event', () => {
  const [city, province, unknown] = [uuid(11), uuid(12), uuid(19)];
  const [cyclists, homeless] = [uuid(21), uuid(22)];

  async function place(fields: Parameters<typeof event>[0]) {
    const { sessions } = system().stores;
    await sessions.saveDivisions([
      { id: city, name: 'Laval', type: 'city', parentId: null, country: 'CA' },
      { id: province, name: 'Bali', type: 'province', parentId: null, country: 'ID' },
    ]);
    await sessions.saveCommunities([
      { id: cyclists, name: 'Cyclists', divisionId: city },
      { id: homeless, name: 'Everywhere', divisionId: null },
    ]);
    await append(system().log, 0, event(fields));
    await system().countAll();
    const [row] = await system().stores.raw();
    return row;
  }

  it.each([
    ["the community's own division", 'same', { community_id: cyclists, division_id: city }],
    ['another division', 'cross', { community_id: cyclists, division_id: province }],
    ['a division nobody knows', 'cross', { community_id: cyclists, division_id: unknown }],
    ['no division', 'unknown', { community_id: cyclists }],
    ['a division, but in no community', 'unknown', { division_id: city }],
    ['a division, in a community without one', 'unknown', { community_id: homeless, division_id: city }],
    ['a division, in a community nobody knows', 'unknown', { community_id: unknown, division_id: city }],
  ])('of %s is %s', async (_, relation, fields) => {
    expect(await place(fields)).toMatchObject({ relation });
  });

  it('has the type of the division', async () => {
    expect(await place({ division_id: province })).toMatchObject({ division_type: 'province' });
  });

  it('has no type where nobody knows the division', async () => {
    expect(await place({ division_id: unknown })).toMatchObject({ division_type: '', country: '' });
  });

  it('has the country of the division where the address says none', async () => {
    expect(await place({ division_id: province })).toMatchObject({ country: 'ID' });
  });

  it('has the country of the address where both say one', async () => {
    expect(await place({ division_id: province, country: 'SG' })).toMatchObject({ country: 'SG' });
  });
});
