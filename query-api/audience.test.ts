import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PresenceNews } from '../contract/presence.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { Audience } from './audience.ts';

const SECOND = 1_000;

beforeEach(() => void vi.useFakeTimers({ now: 1_760_000_000_000 }));
afterEach(() => void vi.useRealTimers());

class Ear {
  readonly writes: { at: number; bytes: Uint8Array }[] = [];

  write(bytes: Uint8Array): void {
    this.writes.push({ at: Date.now(), bytes });
  }

  get messages(): ServerMessage[] {
    return this.writes.flatMap(({ bytes }) => messagesIn(Buffer.from(bytes)));
  }

  get counts(): number[] {
    return this.messages.flatMap((message) => (message.type === 'visitor_count' ? [message.count] : []));
  }

  get joined(): string[] {
    return this.messages.flatMap((message) =>
      message.type === 'visitor_joined' ? [message.visitor.id] : [],
    );
  }
}

/** None is longer than 125 bytes, or it says so in two more. */
function messagesIn(bytes: Buffer): ServerMessage[] {
  const messages: ServerMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const isShort = bytes[at + 1] !== 126;
    const length = isShort ? (bytes[at + 1] ?? 0) : bytes.readUInt16BE(at + 2);
    const head = isShort ? 2 : 4;
    messages.push(JSON.parse(bytes.toString('utf8', at + head, at + head + length)));
    at += head + length;
  }
  return messages;
}

function audienceOf(size: number) {
  const audience = new Audience(Date.now);
  const ears = Array.from({ length: size }, () => new Ear());
  for (const ear of ears) audience.add(ear, 'visitors');
  return { audience, ears };
}

const news = (changes: Partial<PresenceNews>): PresenceNews => ({
  scope: 'site',
  count: 0,
  joined: [],
  left: [],
  ...changes,
});
const visitor = (n: number) => ({ id: `visitor-${n}`, at: Date.now() });

/** News of one visitor who comes every 10 ms, for so long. */
function rush(audience: Audience, ms: number): number {
  let count = 0;
  for (let at = 0; at < ms; at += 10) {
    count += 1;
    audience.hear(news({ count, joined: [visitor(count)] }));
    vi.advanceTimersByTime(10);
  }
  return count;
}

describe('an audience', () => {
  it('is told at once, all of one turn in one write, and everybody the same bytes', () => {
    const { audience, ears } = audienceOf(3);
    audience.hear(news({ count: 2, joined: [visitor(1), visitor(2)], left: [visitor(3)] }));
    const [first] = ears;
    expect(first?.messages.map(({ type }) => type)).toEqual([
      'visitor_joined',
      'visitor_joined',
      'visitor_left',
      'visitor_count',
    ]);
    for (const { writes } of ears) {
      expect(writes).toHaveLength(1);
      expect(writes[0]?.bytes).toBe(first?.writes[0]?.bytes);
    }
  });

  it('gets at most four counts a second, and the last is not lost', () => {
    const { audience, ears } = audienceOf(1);
    const last = rush(audience, 5 * SECOND);
    vi.advanceTimersByTime(SECOND);
    const counts = ears[0]?.counts ?? [];
    expect(counts.length).toBeGreaterThan(15);
    expect(counts.length).toBeLessThanOrEqual(1 + 4 * 6);
    expect(counts.at(-1)).toBe(last);
  });

  it('gets everybody who comes while they are few, one by one', () => {
    const { audience, ears } = audienceOf(2);
    for (let n = 1; n <= 40; n++) {
      audience.hear(news({ count: n, joined: [visitor(n)] }));
      vi.advanceTimersByTime(100);
    }
    expect(ears[1]?.joined).toEqual(Array.from({ length: 40 }, (_, n) => `visitor-${n + 1}`));
  });

  it('of thousands is written to section by section, within the budget, and none is forgotten', () => {
    const { audience, ears } = audienceOf(10_500);
    const last = rush(audience, 3 * SECOND);
    const writes = ears.reduce((sum, ear) => sum + ear.writes.length, 0);
    expect(writes).toBeGreaterThan(3 * 25_000);
    // A section more than the budget: it may have begun just before.
    expect(writes).toBeLessThanOrEqual(3 * 40_000 + 1_000);
    const atOnce = new Map<number, number>();
    for (const { at } of ears.flatMap((ear) => ear.writes)) atOnce.set(at, (atOnce.get(at) ?? 0) + 1);
    expect(Math.max(...atOnce.values())).toBeLessThanOrEqual(1_000);
    vi.advanceTimersByTime(SECOND);
    for (const ear of ears) {
      expect(ear.counts.at(-1)).toBe(last);
      expect(ear.counts.length).toBeLessThanOrEqual(1 + 4 * 4);
    }
  });

  it('of thousands is told some of those who come, the latest, and that they are some', () => {
    const { audience, ears } = audienceOf(10_500);
    rush(audience, 3 * SECOND);
    vi.advanceTimersByTime(SECOND);
    const joined = ears[0]?.messages.filter(({ type }) => type === 'visitor_joined') ?? [];
    expect(joined.length).toBeGreaterThan(5);
    expect(joined.length).toBeLessThanOrEqual(3 * 5);
    expect(joined.slice(1).every((message) => 'sampled' in message && message.sampled === true)).toBe(true);
  });

  it('writes nothing more to who has gone, and has no timers left when all have', () => {
    const { audience, ears } = audienceOf(2_500);
    audience.hear(news({ count: 1, joined: [visitor(1)] }));
    const before = ears.map(({ writes }) => writes.length);
    for (const ear of ears) audience.remove(ear);
    expect(audience.isEmpty).toBe(true);
    vi.advanceTimersByTime(SECOND);
    expect(ears.map(({ writes }) => writes.length)).toEqual(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('knows whether a dashboard is among them, and tells dashboards alone what is theirs', () => {
    const { audience, ears } = audienceOf(1);
    const dashboard = new Ear();
    audience.add(dashboard, 'dashboard');
    expect(audience.hasDashboard).toBe(true);
    audience.sendToDashboards({
      type: 'dashboard_update',
      online: 1,
      visitors_today: 2,
      page_views_today: 3,
      timestamp: new Date().toISOString(),
    });
    expect([dashboard.writes.length, ears[0]?.writes.length]).toEqual([1, 0]);
    audience.remove(dashboard);
    expect(audience.hasDashboard).toBe(false);
  });

  it('takes the place of who has gone before it opens another section', () => {
    const { audience, ears } = audienceOf(2_000);
    for (const ear of ears.slice(0, 500)) audience.remove(ear);
    const late = new Ear();
    audience.add(late, 'visitors');
    audience.hear(news({ count: 7 }));
    vi.advanceTimersByTime(SECOND);
    expect(late.counts).toEqual([7]);
    for (const ear of ears.slice(500)) expect(ear.counts).toEqual([7]);
  });
});
