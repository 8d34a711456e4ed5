/** Pipelines on the stores of a test file: frames go into the log, faults strike, and what was counted is read. */
import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { openLog } from '../kafka/open.ts';
import { type DeadLetter, type EventLog, LIVE_GROUP, PIPELINE_GROUP } from '../kafka/port.ts';
import { type LogLine, recordingLogger } from '../logger.fixture.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { NOW } from './events.fixture.ts';
import { type Faults, Mortal } from './faults.fixture.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import { openStores, type TestStores } from './stores.fixture.ts';

const PARTITIONS = 3;
const REALTIME_TTL_MS = 3_600_000;
const PATIENCE_MS = 25_000;

/** Valid within a test: empty stores, a log of its own, no pipeline yet. */
export class System {
  readonly stores: TestStores;
  log: EventLog;
  /** ms since the epoch */
  now = NOW;
  readonly #running: RunningPipeline[] = [];

  private constructor(stores: TestStores, log: EventLog) {
    this.stores = stores;
    this.log = log;
  }

  static async open(stores: TestStores): Promise<System> {
    await stores.empty();
    return new System(stores, await emptyLog(stores.folder));
  }

  /** Puts an empty log in the place of the one that there is. To be called while no pipeline runs. */
  async replaceLog(): Promise<void> {
    await this.log.close();
    this.log = await emptyLog(this.stores.folder);
  }

  async start(faults: Faults = () => undefined): Promise<RunningPipeline> {
    const process = new Mortal(faults);
    const metrics = new Registry();
    const live = await openLive('memory://', { now: () => this.now });
    const seenLive = process.see('live', live);
    const { logger, lines } = recordingLogger();
    const running = new RunningPipeline(process, live, metrics, lines);
    this.#running.push(running);
    const starting = startPipeline({
      config: { realtimeTtlMs: REALTIME_TTL_MS },
      log: process.seeLog(this.log),
      analytics: process.see('analytics', this.stores.analytics),
      sessions: process.seeSessions(this.stores.sessions),
      live: seenLive,
      tracker: new VisitorTracker(seenLive, { realtimeTtlMs: REALTIME_TTL_MS, now: () => this.now }),
      calendar: calendar('UTC'),
      metrics,
      logger,
      now: () => this.now,
    });
    running.pipeline = await Promise.race([starting, process.ended.catch(() => undefined)]);
    return running;
  }

  /** Waits until every frame of the log is counted, and noted for live numbers. */
  async counted(): Promise<void> {
    for (const group of [PIPELINE_GROUP, LIVE_GROUP]) {
      await vi.waitFor(async () => {
        for (const { committed, end } of await this.log.lag(group)) expect(committed).toBe(end);
      }, WAIT);
    }
  }

  /** Starts a pipeline, lets it count all there is, ends it. For what is to be seen in the stores alone. */
  async countAll(): Promise<void> {
    const running = await this.start();
    await this.counted();
    await running.close();
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const letter of this.log.deadLetters()) letters.push(letter);
    return letters;
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.close();
    await this.log.close();
  }
}

function emptyLog(folder: string): Promise<EventLog> {
  return openLog(`lmdb://${folder}/log-${randomUUID()}`, {
    partitions: PARTITIONS,
    retentionMs: 86_400_000,
    retentionBytes: 32 * 1024 ** 2,
    maxBytes: 64 * 1024 ** 2,
    onTrouble: () => {},
  });
}

export class RunningPipeline {
  readonly process: Mortal;
  readonly live: LiveStore;
  /** Undefined where the process ended while it started. */
  pipeline: Pipeline | undefined;
  /** Of the log, from debug on. */
  readonly lines: LogLine[];
  readonly #metrics: Registry;

  constructor(process: Mortal, live: LiveStore, metrics: Registry, lines: LogLine[]) {
    this.process = process;
    this.live = live;
    this.#metrics = metrics;
    this.lines = lines;
  }

  problems(): string[] {
    return this.pipeline?.problems() ?? [];
  }

  /** Waits until the pipeline has called a store so often. */
  async called(call: string, times: number): Promise<void> {
    await vi.waitFor(() => expect(this.process.callsOf(call)).toBeGreaterThanOrEqual(times), WAIT);
  }

  async crashed(): Promise<void> {
    await vi.waitFor(() => expect(this.process.dead).toBe(true), WAIT);
    await this.close();
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const metric = await this.#metrics.getSingleMetric(name)?.get();
    return metric?.values.find((labelled) =>
      Object.entries(labels).every(([name, value]) => String(labelled.labels[name]) === value),
    )?.value;
  }

  /** How often a histogram was told. */
  async observed(name: string, labels: Record<string, string>): Promise<number | undefined> {
    const text = await this.#metrics.getSingleMetricAsString(name);
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = text.split('\n').find((each) => each.startsWith(`${name}_count{${wanted.join()}}`));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }

  async close(): Promise<void> {
    await this.pipeline?.close();
    this.pipeline = undefined;
    await this.live.close();
  }
}

export const WAIT = { timeout: PATIENCE_MS, interval: 10 };

/** To be called once, at the top of a test file: answers the system of the test that runs. */
export function useSystem(): () => System {
  let stores: TestStores | undefined;
  let system: System | undefined;

  beforeAll(async () => {
    stores = await openStores();
  });
  beforeEach(async () => {
    if (stores !== undefined) system = await System.open(stores);
  });
  afterEach(() => system?.close());
  afterAll(() => stores?.close());

  return () => {
    if (system === undefined) throw new Error('only within a test');
    return system;
  };
}
