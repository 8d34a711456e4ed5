import { describe, expect, it } from 'vitest';
import { DuplicateWindow, loadSince, MEMORY_MS, WINDOW_MS } from './duplicate-window.ts';
import { eventKey } from './event-key.ts';

const NOON = Date.parse('2026-03-10T12:00:00Z');
const KEY = eventKey('7', 'an id');

describe('the duplicate window', () => {
  it('knows an id for ten minutes, the last millisecond included', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(KEY, NOON);
    for (const later of [0, WINDOW_MS]) expect(window.has(KEY, NOON + later)).toBe(true);
    expect(window.has(KEY, NOON + WINDOW_MS + 1)).toBe(false);
  });

  it('knows an id whose first sending comes after its repeat, for a week', () => {
    const window = new DuplicateWindow();
    window.load([{ eventId: 'an id', visitor: '7', receivedAt: NOON }], loadSince(NOON - MEMORY_MS));
    expect(window.has(KEY, NOON - MEMORY_MS)).toBe(true);
    expect(window.has(KEY, NOON - MEMORY_MS - 1)).toBe(false);
  });

  it('tells visitors with the same event id apart', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(eventKey('7', 'an id'), NOON);
    expect(window.has(eventKey('8', 'an id'), NOON)).toBe(false);
  });

  it('lets ids go when they are too old, so that it stays small', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    const minutes = 10_000;
    for (let minute = 0; minute < minutes; minute++)
      window.add(eventKey('7', `${minute}`), NOON + minute * 60_000);
    expect(window.size).toBeLessThan(64);
    expect(window.has(eventKey('7', `${minutes - 10}`), NOON + minutes * 60_000)).toBe(true);
  });

  it('takes over what the store knows, in whatever order, the latest of an id', () => {
    const window = new DuplicateWindow();
    const seen = (receivedAt: number) => ({ eventId: 'an id', visitor: '7', receivedAt });
    window.load([seen(NOON), seen(NOON - WINDOW_MS - 1)], loadSince(NOON - WINDOW_MS - 1));
    expect(window.has(KEY, NOON + WINDOW_MS)).toBe(true);
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
    expect(window.has(KEY, NOON + WINDOW_MS)).toBe(true);
  });

  it('no longer covers what lies before the ids that it let go', () => {
    const window = new DuplicateWindow();
    window.load([], loadSince(NOON));
    window.add(KEY, NOON + 2 * WINDOW_MS);
    expect(window.covers(NOON)).toBe(false);
    expect(window.covers(NOON + 2 * WINDOW_MS)).toBe(true);
  });
});
