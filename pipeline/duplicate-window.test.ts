import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuplicateWindow, isRepeat, loadSince, MEMORY_MS, SLICE_MS, WINDOW_MS } from './duplicate-window.ts';
import { eventKey } from './event-key.ts';

const NOON = Date.parse('2026-03-10T12:00:00Z');
const KEY = eventKey('7', 'an id');

describe('the duplicate window', () => {
  it('knows an id for ten minutes, the last millisecond included', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(KEY, NOON);
    for (const later of [0, WINDOW_MS - SLICE_MS]) expect(window.tell(KEY, NOON + later)).toBe('repeat');
    expect(window.tell(KEY, NOON + WINDOW_MS + SLICE_MS)).toBe('new');
  });

  it('is never wrong of an id, and unsure only of what was received about ten minutes before', () => {
    const received = fc.integer({ min: 0, max: WINDOW_MS + 60_000 });
    fc.assert(
      fc.property(received, received, (one, other) => {
        const window = new DuplicateWindow();
        window.load([], NOON - WINDOW_MS - 60_000);
        window.add(KEY, NOON + one);
        const is = window.tell(KEY, NOON + other);
        if (is !== 'unsure') expect(is).toBe(isRepeat(NOON + one, NOON + other) ? 'repeat' : 'new');
        else expect(Math.abs(other - one - WINDOW_MS)).toBeLessThan(SLICE_MS);
      }),
    );
  });

  it('keeps half of an id once others come minutes later, and is unsure of it then, and of few others', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    const keyOf = (n: number) => eventKey(`${n}`, 'an id');
    for (let n = 0; n < 10_000; n++) window.add(keyOf(n), NOON);
    for (const slices of [0, 1, 2]) {
      const later = NOON + slices * SLICE_MS;
      window.add(eventKey('1', 'another'), later);
      const told = new Set(Array.from({ length: 10_000 }, (_, n) => window.tell(keyOf(n), later)));
      expect([...told]).toEqual([slices === 0 ? 'repeat' : 'unsure']);
    }
    const others = Array.from({ length: 10_000 }, (_, n) => window.tell(keyOf(-1 - n), NOON + 2 * SLICE_MS));
    expect(new Set(others)).toEqual(new Set(['new']));
  });

  it('takes ids that come late among those of their time', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    for (const slices of [0, 1, 2]) window.add(eventKey('1', `${slices}`), NOON + slices * SLICE_MS);
    window.add(KEY, NOON);
    expect(window.tell(KEY, NOON + 2 * SLICE_MS)).toBe('unsure');
    expect(window.tell(KEY, NOON + WINDOW_MS + SLICE_MS)).toBe('new');
  });

  it('knows an id whose first sending comes after its repeat, for a week', () => {
    const window = new DuplicateWindow();
    window.load([{ eventId: 'an id', visitor: '7', receivedAt: NOON }], loadSince(NOON - MEMORY_MS));
    expect(window.tell(KEY, NOON - MEMORY_MS + SLICE_MS)).toBe('repeat');
    expect(window.tell(KEY, NOON - MEMORY_MS)).toBe('unsure');
    expect(window.tell(KEY, NOON - MEMORY_MS - SLICE_MS)).toBe('new');
  });

  it('tells visitors with the same event id apart', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(eventKey('7', 'an id'), NOON);
    expect(window.tell(eventKey('8', 'an id'), NOON)).toBe('new');
  });

  it('lets ids go when they are too old, so that it stays small', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    const minutes = 10_000;
    for (let minute = 0; minute < minutes; minute++)
      window.add(eventKey('7', `${minute}`), NOON + minute * 60_000);
    expect(window.size).toBeLessThan(64);
    const told = (back: number) => window.tell(eventKey('7', `${minutes - back}`), NOON + minutes * 60_000);
    expect([1, 2, 3, 8, 9, 10, 11, 12].map(told)).toEqual([
      ...['repeat', 'unsure', 'unsure', 'unsure', 'unsure', 'unsure', 'new', 'new'],
    ]);
  });

  it('takes over what the store knows, in whatever order, the latest of an id', () => {
    const window = new DuplicateWindow();
    const seen = (receivedAt: number) => ({ eventId: 'an id', visitor: '7', receivedAt });
    window.load([seen(NOON), seen(NOON - WINDOW_MS - 1)], loadSince(NOON - WINDOW_MS - 1));
    expect(window.tell(KEY, NOON + WINDOW_MS - SLICE_MS)).toBe('repeat');
  });

  it('covers nothing before it is loaded, and then as far back as it was loaded', () => {
    const window = new DuplicateWindow();
    expect(window.isLoaded).toBe(false);
    expect(window.covers(NOON)).toBe(false);
    window.load([], loadSince(NOON));
    expect(window.isLoaded).toBe(true);
    expect(window.covers(NOON)).toBe(true);
    expect(window.covers(NOON - WINDOW_MS)).toBe(false);
  });

  it('keeps no id from before the time that it covers, and the latest instant of an id', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(eventKey('7', 'late'), loadSince(NOON) - 1);
    expect(window.size).toBe(0);
    window.add(KEY, NOON);
    window.add(KEY, NOON - 1);
    expect(window.tell(KEY, NOON + WINDOW_MS - SLICE_MS)).toBe('repeat');
  });

  it('no longer covers what lies before the ids that it let go', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(KEY, NOON + 2 * WINDOW_MS);
    expect(window.covers(NOON)).toBe(false);
    expect(window.covers(NOON + 2 * WINDOW_MS)).toBe(true);
  });
});
