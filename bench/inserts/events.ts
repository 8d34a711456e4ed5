/** Events as the end-to-end bench has them: visitors who come for six events, five units apart, of whom four in ten have been there before. */
import { randomUUID } from 'node:crypto';
import { type EventRow, NIL_UUID } from '../../clickhouse/port.ts';

const VISIT = ['page_view', 'page_view', 'heartbeat', 'page_view', 'heartbeat', 'leave'] as const;
const UNITS_BETWEEN = 5;
const PARTITIONS = 8;
const FRAME_EVENTS = 200;
const PAGES = 5_000;
const HOUR = 3_600_000;
const communities = Array.from({ length: 14 }, () => randomUUID());
const divisions = Array.from({ length: 54 }, () => randomUUID());
const referrers = ['https://www.google.com/', 'https://news.example.net/today', '', 'https://example.org/'];
const languages = ['en-CA', 'fr-CA', 'en-US', 'de-DE'];
const screens = ['1920x1080', '390x844', '1440x900'];

type Visit = Pick<
  EventRow,
  'visitor' | 'session_id' | 'user_id' | 'community_id' | 'division_id' | 'page'
> & {
  turn: number;
};

export class Events {
  readonly #visits: Visit[];
  readonly #ends = Array.from({ length: PARTITIONS }, () => 0);
  #next = 0;
  #visitors = 0;
  #sessions = 0;
  #ids = 0;

  constructor(unit: number) {
    this.#visits = Array.from({ length: unit * UNITS_BETWEEN }, (_, n) => ({
      ...this.#welcome(),
      turn: n % VISIT.length,
    }));
  }

  unit(events: number, now: number): EventRow[] {
    const partitions: EventRow[][] = Array.from({ length: PARTITIONS }, () => []);
    for (let n = 0; n < events; n++) {
      const row = this.#event(now + Math.floor(n / 25));
      partitions[row.log_partition]?.push(row);
    }
    for (const [partition, rows] of partitions.entries()) {
      const from = this.#ends[partition] ?? 0;
      for (const [n, row] of rows.entries()) {
        row.log_offset = from + Math.floor(n / FRAME_EVENTS);
        row.log_index = n % FRAME_EVENTS;
      }
      this.#ends[partition] = from + Math.ceil(rows.length / FRAME_EVENTS);
    }
    return partitions.flat();
  }

  #event(at: number): EventRow {
    const place = this.#next++ % this.#visits.length;
    let visit = this.#visits[place];
    if (visit === undefined || visit.turn === VISIT.length) visit = this.#welcome();
    this.#visits[place] = visit;
    const type = VISIT[visit.turn] ?? 'page_view';
    visit.turn += 1;
    if (type === 'page_view') visit.page = `/articles/${Math.floor(PAGES * Math.random() ** 3)}`;
    // Written out: V8 reads rows of one shape many times as fast as those that were put together from parts.
    return {
      log_partition: Number(BigInt(visit.visitor) % BigInt(PARTITIONS)),
      log_offset: 0,
      log_index: 0,
      event_id: `abcdefab-cdef-4000-8000-${String(this.#ids++).padStart(12, '0')}`,
      type,
      received_at: at,
      happened_at: at,
      day: new Date(at).toISOString().slice(0, 10),
      hour: at - (at % HOUR),
      visitor: visit.visitor,
      session_id: visit.session_id,
      user_id: visit.user_id,
      community_id: visit.community_id,
      division_id: visit.division_id,
      division_type: visit.division_id === NIL_UUID ? '' : 'university',
      relation: 'unknown',
      page: visit.page,
      url: `${visit.page}?utm_source=newsletter`,
      referrer: pick(referrers),
      title: 'An article of the platform',
      language: pick(languages),
      screen: pick(screens),
      country: 'CA',
      browser: 'Chrome',
      os: 'Linux',
      device: 'desktop',
    };
  }

  #welcome(): Visit {
    const returns = this.#visitors > 0 && Math.random() < 0.4;
    const number = returns ? Math.floor(this.#visitors * Math.random()) : this.#visitors++;
    return {
      visitor: BigInt.asUintN(64, BigInt(number + 1) * 0x9e3779b97f4a7c15n).toString(),
      session_id: `abcdefabcdef${String(this.#sessions++).padStart(12, '0')}`,
      user_id: Math.random() < 0.2 ? `member-${number}` : '',
      community_id: Math.random() < 0.7 ? pick(communities) : NIL_UUID,
      division_id: Math.random() < 0.8 ? pick(divisions) : NIL_UUID,
      page: '/',
      turn: 0,
    };
  }
}

function pick(list: readonly string[]): string {
  return list[Math.floor(Math.random() * list.length)] ?? '';
}
