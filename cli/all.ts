/** `npm start`: everything on this machine, the collector in one process, pipeline and query API in another. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Value from 'typebox/value';
import type { Config } from '../config.ts';
import { VisitorStats } from '../contract/query.ts';
import { DAY } from '../contract/reporting-day.ts';
import { DEMO_COMMUNITIES, DEMO_DIVISIONS, demoPast, runDemo } from './demo.ts';
import { ingestServices } from './ingest-services.ts';
import { loadCommunities, loadDivisions, runImport } from './jobs.ts';
import { allPlaces, requireFree } from './ports.ts';
import { readSecrets } from './secrets.ts';
import { type Service, sayRestart, supervise } from './supervisor.ts';
import { ownToken } from './token.ts';

const TOKEN_HOURS = 12;
/** The demo's visitors come from many countries: the collector believes the addresses that the demo says. */
const DEMO_ENVIRONMENT = { TRUSTED_PROXIES: '127.0.0.1,::1', INGEST_RATE_LIMIT: '0' };

export async function runAll(config: Config, options: { demo: boolean }): Promise<void> {
  const start = performance.now();
  await requireFree(allPlaces(config));
  // Of a file that cannot be read it is said here, once, not by each service.
  readSecrets(config);
  const environment = options.demo ? DEMO_ENVIRONMENT : {};
  const services: Service[] = [
    ...ingestServices(config).map((service) => ({ ...service, environment })),
    { name: 'pipeline', args: ['pipeline', '--with-query-api'] },
  ];
  const supervisor = supervise(services, sayRestart);
  const stopDemo = new AbortController();

  const stopRequested = new Promise<void>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });

  try {
    const ports = await Promise.race([supervisor.ready, stopRequested]);
    if (ports !== undefined) {
      const collector = `http://${shown(config.host)}:${ports.ingest}`;
      const api = `http://${shown(config.host)}:${ports.api}`;
      const claims = { staff: true, subject: 'npm start', expiresIn: TOKEN_HOURS * 3_600 };
      const token = await ownToken(config, claims);
      const seconds = ((performance.now() - start) / 1_000).toFixed(1);
      console.log(greeting({ collector, api, token, seconds }));
      const demo = options.demo ? startDemo(config, { collector, api, token }, stopDemo.signal) : undefined;
      await Promise.race([stopRequested, supervisor.failed, ...(demo === undefined ? [] : [demo])]);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
  stopDemo.abort();
  const well = await supervisor.stop();
  if (!well) process.exitCode = 1;
  process.exit();
}

/** The demo's visitors come from real places, so those are loaded first. Ends with `signal`, or with a bug. */
async function startDemo(config: Config, at: Addresses, signal: AbortSignal): Promise<void> {
  await loadDivisions(config, DEMO_DIVISIONS);
  await loadCommunities(config, DEMO_COMMUNITIES);
  console.log('demo: synthetic visitors are on their way');
  const visitors = runDemo(at.collector, signal);
  await Promise.all([visitors, giveHistory(config, at)]);
}

/** Where nothing has been counted so far, so that the dashboard has something to show of days before. */
async function giveHistory(config: Config, { api, token }: Addresses): Promise<void> {
  const answer = await fetch(`${api}/api/analytics/visitors/?end_date=${dayBefore(Date.now())}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { total_visitors } = Value.Parse(VisitorStats, await answer.json());
  if (total_visitors > 0) return;
  const file = join(config.dataDir, 'demo-history.ndjson');
  await writeFile(file, demoPast(Date.now()));
  await runImport(config, file, { format: 'ndjson' });
  await rm(file);
}

const dayBefore = (now: number) => new Date(now - DAY).toISOString().slice(0, 10);

function shown(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

interface Addresses {
  collector: string;
  api: string;
  token: string;
}

function greeting(at: Addresses & { seconds: string }): string {
  return `
Footfall is ready (${at.seconds} s)

  collector   ${at.collector}/e
  beacon      <script defer src="${at.collector}/beacon.js"></script>
  API         ${at.api}/api/analytics/docs
  dashboard   ${at.api}/#token=${at.token}

A token of staff, for ${TOKEN_HOURS} hours: try

  curl -H 'Authorization: Bearer ${at.token}' ${at.api}/api/analytics/visitors/today/
`;
}
