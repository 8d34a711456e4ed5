/**
 * The query API as it is served, but for its cache of results, which is asked and filled and never has what is wanted;
 * and who asks it, on one kept connection, one request at a time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnalyticsStore } from '../../clickhouse/port.ts';
import { openSessions } from '../../postgres/open.ts';
import { startApi } from '../../query-api/api.fixture.ts';
import { openLive } from '../../redis/open.ts';
import { COMMUNITIES, DIVISIONS } from './platform.ts';
import type { Setting } from './setting.ts';

interface Answer {
  text: string;
  /** ms from the request to the first byte of the body, and to its end. */
  firstByte: number;
  whole: number;
}

export interface Served {
  /** Of the endpoints. */
  url: string;
  token: string;
  close(): Promise<void>;
}

export async function serve(analytics: AnalyticsStore, { now }: Setting): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-bench-'));
  const sessions = await openSessions(`embedded-postgres://${folder}/postgres`, {
    sessionTimeoutMs: 1_800_000,
  });
  await sessions.saveDivisions(DIVISIONS);
  await sessions.saveCommunities(COMMUNITIES);
  const live = await openLive('memory://');
  live.cached = async () => undefined;
  const api = await startApi({ analytics, sessions }, { live, now: () => now });
  return {
    url: `${api.url}/api/analytics/`,
    token: await api.token({ staff: true, expiresIn: 86_400 }),
    async close() {
      await api.close();
      await sessions.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Asked {
  /** Rejects unless the answer is 200. */
  ask(path: string): Promise<Answer>;
  close(): void;
}

export function connect({ url, token }: Pick<Served, 'url' | 'token'>): Asked {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { Authorization: `Bearer ${token}` };
  return {
    ask: (path) => request(new URL(path, url), agent, headers),
    close: () => agent.destroy(),
  };
}

function request(url: URL, agent: Agent, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    get(url, { agent, headers }, (response) => {
      let firstByte: number | undefined;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        firstByte ??= performance.now() - start;
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const whole = performance.now() - start;
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve({ text, firstByte: firstByte ?? whole, whole });
        else reject(new Error(`${url}: ${response.statusCode} ${text}`));
      });
    }).on('error', reject);
  });
}
