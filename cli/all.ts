/** `npm start`: everything on this machine, the collector in one process, pipeline and query API in another. */
import type { Config } from '../config.ts';
import type { Addresses } from './giving-demo.ts';
import { ingestServices } from './ingest-services.ts';
import { allPlaces, requireFree } from './ports.ts';
import { exitCodeOf } from './refusal.ts';
import { fingerprintSecrets } from './secrets.ts';
import { type Service, sayRestart, supervise } from './supervisor.ts';
import { ownToken } from './token.ts';

const TOKEN_HOURS = 12;
/** The demo's visitors come from many countries: the collector believes the addresses that the demo says. */
const DEMO_ENVIRONMENT = { TRUSTED_PROXIES: '127.0.0.1,::1', INGEST_RATE_LIMIT: '0' };

export async function runAll(config: Config, options: { demo: boolean }): Promise<void> {
  const start = performance.now();
  await requireFree(allPlaces(config));
  // What is wrong with them is said here, once, not by each service.
  fingerprintSecrets(config);
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
    process.exitCode = exitCodeOf(error);
  }
  stopDemo.abort();
  const well = await supervisor.stop();
  if (!well) process.exitCode ??= 1;
  process.exit();
}

function shown(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** Loaded where it is wanted: this process stays as long as all others, and needs little else. */
async function startDemo(config: Config, at: Addresses, signal: AbortSignal): Promise<void> {
  await (await import('./giving-demo.ts')).giveDemo(config, at, signal);
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
