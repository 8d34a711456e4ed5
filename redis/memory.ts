/** The live store in this process: nothing is written anywhere, everything is bounded or expires. */
import { LRUCache } from 'lru-cache';
import { EngineUrlError } from '../engine.ts';
import { MemoryAllowances } from './memory-allowances.ts';
import { MemoryChannels } from './memory-channels.ts';
import { MemoryCounters } from './memory-counters.ts';
import { MemoryPresence } from './memory-presence.ts';
import { MemoryReports } from './memory-reports.ts';
import type { Allowance, LiveOptions, LiveStore, PresenceChange, Report, SignOfLife } from './port.ts';
import { LiveStoreError } from './port.ts';

const CACHE_ENTRIES = 10_000;
const CACHE_CHARACTERS = 16 * 1024 ** 2;

export async function openMemory(url: string, options: LiveOptions = {}): Promise<LiveStore> {
  if (!/^memory:(\/\/)?$/.test(url))
    throw new EngineUrlError(`live store: memory:// takes nothing more, got ${url}`);
  return new MemoryLiveStore(options);
}

class MemoryLiveStore implements LiveStore {
  readonly #now: () => number;
  readonly #presence = new MemoryPresence();
  readonly #counters = new MemoryCounters();
  readonly #allowances = new MemoryAllowances();
  readonly #reports = new MemoryReports();
  readonly #channels: MemoryChannels;
  readonly #cache: LRUCache<string, string>;
  #restored = false;
  #closed = false;

  constructor(options: LiveOptions) {
    this.#now = options.now ?? Date.now;
    this.#channels = new MemoryChannels(options.onError ?? ((error) => process.emitWarning(error)));
    this.#cache = new LRUCache<string, string>({
      max: CACHE_ENTRIES,
      maxSize: CACHE_CHARACTERS,
      sizeCalculation: (value, key) => value.length + key.length + 1,
      perf: { now: this.#now },
      ttlResolution: 0,
    });
  }

  async arrive(signs: SignOfLife[]): Promise<PresenceChange[]> {
    this.#mustBeOpen();
    return this.#presence.arrive(signs, this.#now());
  }

  async leave(visitors: { visitor: string; at: number }[]): Promise<void> {
    this.#mustBeOpen();
    this.#presence.leave(visitors);
  }

  async expire(now: number): Promise<PresenceChange[]> {
    this.#mustBeOpen();
    return this.#presence.expire(now);
  }

  async online(scope: string): Promise<number> {
    this.#mustBeOpen();
    return this.#presence.online(scope);
  }

  async onlineByScope(): Promise<Map<string, number>> {
    this.#mustBeOpen();
    return this.#presence.onlineByScope();
  }

  async countVisitors(day: string, scope: string, visitors: string[]): Promise<void> {
    this.#mustBeOpen();
    this.#counters.add(day, scope, visitors, this.#now());
  }

  async visitorsOf(day: string, scope: string): Promise<number> {
    this.#mustBeOpen();
    return this.#counters.count(day, scope, this.#now());
  }

  async emptyCounters(day: string): Promise<void> {
    this.#mustBeOpen();
    this.#counters.empty(day);
    this.#restored = false;
  }

  async restoreIfLost(restore: () => Promise<void>): Promise<boolean> {
    this.#mustBeOpen();
    if (this.#restored) return false;
    this.#restored = true;
    try {
      await restore();
    } catch (error) {
      this.#restored = false;
      throw error;
    }
    return true;
  }

  async publish(channel: string, message: string): Promise<void> {
    this.#mustBeOpen();
    this.#channels.publish(channel, message);
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    this.#mustBeOpen();
    const unsubscribe = this.#channels.subscribe(channel, listener);
    return async () => unsubscribe();
  }

  async take(key: string, points: number, limit: number, windowMs: number): Promise<Allowance> {
    this.#mustBeOpen();
    return this.#allowances.take(key, points, limit, windowMs);
  }

  async report(report: Report, ttlMs: number): Promise<void> {
    this.#mustBeOpen();
    this.#reports.report(report, ttlMs, this.#now());
  }

  async reports(): Promise<Report[]> {
    this.#mustBeOpen();
    return this.#reports.reports(this.#now());
  }

  async cached(key: string): Promise<string | undefined> {
    this.#mustBeOpen();
    return this.#cache.get(key);
  }

  async cache(key: string, value: string, ttlMs: number): Promise<void> {
    this.#mustBeOpen();
    // The cache reads a ttl of 0 as "for ever".
    if (ttlMs > 0) this.#cache.set(key, value, { ttl: Math.ceil(ttlMs) });
    else this.#cache.delete(key);
  }

  async ping(): Promise<void> {
    this.#mustBeOpen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#channels.close();
    this.#allowances.close();
    this.#cache.clear();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new LiveStoreError('closed', 'the live store is closed');
  }
}
