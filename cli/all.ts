/** `npm start`: everything on this machine, the collector in one process, pipeline and query API in another. */
import type { Config } from '../config.ts';
import { signToken } from '../query-api/auth.ts';
import { DEMO_COMMUNITIES, DEMO_DIVISIONS, runDemo } from './demo.ts';
import { loadCommunities, loadDivisions } from './jobs.ts';
import { readSecrets } from './secrets.ts';
import { type Service, supervise } from './supervisor.ts';

const TOKEN_HOURS = 12;
/** The demo's visitors come from many countries: the collector believes the addresses that the demo says. */
const DEMO_ENVIRONMENT = { TRUSTED_PROXIES: '127.0.0.1,::1', INGEST_RATE_LIMIT: '0' };

export async function runAll(config: Config, options: { demo: boolean }): Promise<void> {
  const start = performance.now();
  const { jwtSecret } = readSecrets(config);
  const ingest: Service = { name: 'ingest', args: ['ingest'] };
  const services: Service[] = [
    options.demo ? { ...ingest, environment: DEMO_ENVIRONMENT } : ingest,
    { name: 'pipeline', args: ['pipeline', '--with-query-api'] },
  ];
  const supervisor = supervise(services, (name, why) => {
    console.error(`${name} ended (${why}), starting it again`);
  });
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
      const token = await signToken(
        { staff: true, subject: 'npm start', expiresIn: TOKEN_HOURS * 3_600 },
        jwtSecret,
      );
      const seconds = ((performance.now() - start) / 1_000).toFixed(1);
      console.log(greeting({ collector, api, token, seconds }));
      const demo = options.demo ? startDemo(config, collector, stopDemo.signal) : undefined;
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
async function startDemo(config: Config, collector: string, signal: AbortSignal): Promise<void> {
  await loadDivisions(config, DEMO_DIVISIONS);
  await loadCommunities(config, DEMO_COMMUNITIES);
  console.log('demo: synthetic visitors are on their way');
  await runDemo(collector, signal);
}

function shown(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function greeting(at: { collector: string; api: string; token: string; seconds: string }): string {
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
