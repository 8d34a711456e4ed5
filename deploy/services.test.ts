/**
 * The services of docker-compose.yml as processes of the image's files, with their commands, variables and health
 * checks, on engines in the network. Only addresses and folders are other ones; ClickHouse is its HTTP interface on chDB.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Ready } from '../cli/service.ts';
import { type FrontProcess, startFront } from '../clickhouse/http-front-process.fixture.ts';
import type { Realtime, VisitorStats } from '../contract/query.ts';
import { kafkaLog } from '../kafka/kafka-topic.fixture.ts';
import { ScratchDatabase } from '../postgres/networked.fixture.ts';
import { describeWithStack } from '../stack.fixture.ts';
import { ownServices, readCompose } from './compose.fixture.ts';
import { type Image, makeImage } from './image.fixture.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

const own = Object.fromEntries(ownServices(readCompose()));

describeWithStack('the services of docker-compose.yml', 'STACK_KAFKA', (brokers) => {
  describeWithStack('with sessions', 'STACK_POSTGRES', (postgres) => {
    describeWithStack('and live numbers', 'STACK_REDIS', (redis) => {
      let image: Image;
      let folder: string;
      let clickhouse: FrontProcess;
      let database: ScratchDatabase;
      let engines: Record<string, string>;
      const log = kafkaLog(brokers);
      const processes = new Map<string, ChildProcess>();
      const origins: Record<string, string> = {};
      let token: string;

      beforeAll(async () => {
        image = await makeImage();
        folder = await mkdtemp(join(tmpdir(), 'footfall-services-'));
        clickhouse = await startFront(join(folder, 'clickhouse'));
        database = await ScratchDatabase.create(postgres);
        engines = {
          KAFKA_BROKERS: log.url.replace('kafka://', ''),
          CLICKHOUSE_URL: clickhouse.url,
          DATABASE_URL: database.url,
          REDIS_URL: `${redis}?prefix=test-${randomUUID()}:`,
        };
        await Promise.all(Object.keys(own).map(start));
      });
      afterAll(async () => {
        for (const child of processes.values()) if (child.exitCode === null) child.kill('SIGKILL');
        await clickhouse?.close();
        await database?.drop();
        await log.remove();
        await image?.remove();
        await rm(folder, { recursive: true, force: true });
      });

      const environment = (name: string) => ({
        PATH: process.env.PATH,
        ...own[name]?.environment,
        ...engines,
        HOST: '127.0.0.1',
        INGEST_PORT: '0',
        PIPELINE_PORT: '0',
        API_PORT: '0',
        DATA_DIR: join(folder, 'data'),
        TRUSTED_PROXIES: '127.0.0.1',
      });

      async function start(name: string): Promise<void> {
        const child = fork(join(image.folder, 'bin/footfall.js'), own[name]?.command ?? [], {
          cwd: image.folder,
          env: environment(name),
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        });
        processes.set(name, child);
        const [said]: Partial<Ready>[] = await Promise.race([
          once(child, 'message'),
          once(child, 'exit').then(() => [{}]),
        ]);
        const [port] = Object.values(said?.ready ?? {});
        if (port === undefined) throw new Error(`${name} cannot run: ${JSON.stringify(said)}`);
        origins[name] = `http://127.0.0.1:${port}`;
      }

      /** What the container's health check would find. */
      function health(name: string): Promise<{ code: number; output: string }> {
        const { test: [, program = '', ...args] = [] } = own[name]?.healthcheck ?? {};
        const here = args.map((argument) =>
          argument.replace(/^http:\/\/127\.0\.0\.1:\d+/, origins[name] ?? ''),
        );
        return new Promise((resolve) => {
          execFile(program, here, { cwd: image.folder }, (error, stdout) => {
            resolve({ code: error === null ? 0 : Number(error.code), output: stdout });
          });
        });
      }

      async function query<T>(path: string): Promise<T> {
        const answer = await fetch(`${origins['query-api']}/api/analytics/${path}`, {
          headers: { Authorization: `Bearer ${token}` },
        });
        if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        return (await answer.json()) as T;
      }

      test('start without the packages of the embedded engines, and are healthy', async () => {
        for (const name of Object.keys(own)) {
          await vi.waitFor(async () => expect(await health(name)).toMatchObject({ code: 0 }), PATIENCE);
        }
      });

      test('count a beacon, for whom the token of the command line is good', async () => {
        const job = ['bin/footfall.js', 'token', '--staff'];
        const options = { cwd: image.folder, env: environment('query-api') };
        token = (await promisify(execFile)('node', job, options)).stdout.trim();
        const answer = await fetch(`${origins.ingest}/e`, {
          method: 'POST',
          headers: { 'Content-Type': 'text/plain', 'User-Agent': FIREFOX },
          body: JSON.stringify({ url: 'https://example.org/hello', fingerprint: 'my-first-visitor' }),
        });
        expect(answer.status).toBe(202);
        await vi.waitFor(async () => {
          expect(await query<VisitorStats>('visitors/today/')).toMatchObject({
            total_visitors: 1,
            total_page_views: 1,
          });
          expect(await query<Realtime>('realtime/')).toMatchObject({ count: 1 });
        }, PATIENCE);
      });

      test('show the numbers of each to Prometheus', async () => {
        const metrics = async (name: string) => (await fetch(`${origins[name]}/metrics`)).text();
        expect(await metrics('ingest')).toContain('footfall_beacons_accepted_total');
        // The stores have the event a moment before the pipeline knows that they have.
        await vi.waitFor(async () => {
          expect(await metrics('pipeline')).toContain('footfall_events_counted_total 1');
        }, PATIENCE);
        expect(await metrics('query-api')).toContain('footfall_api_request_seconds');
      });

      test('say which engine is away, and are healthy again once it is back', async () => {
        await clickhouse.refuse();
        for (const name of ['pipeline', 'query-api']) {
          const found = await health(name);
          expect(found.code).toBe(1);
          expect(found.output).toContain('analytics: ');
        }
        expect(await health('ingest')).toMatchObject({ code: 0 });
        await clickhouse.listen();
        for (const name of ['pipeline', 'query-api']) {
          await vi.waitFor(async () => expect(await health(name)).toMatchObject({ code: 0 }), PATIENCE);
        }
      });

      describe('told to stop', () => {
        test.each(Object.keys(own))('%s drains and exits 0, and its health check fails', async (name) => {
          const child = processes.get(name);
          const ended = child === undefined ? undefined : once(child, 'exit');
          child?.kill('SIGTERM');
          expect(await ended).toEqual([0, null]);
          expect(await health(name)).toMatchObject({ code: 1 });
        });
      });
    });
  });
});
