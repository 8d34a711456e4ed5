/** What a script loads: a deployment that is named in the environment, or an installation of its own. */
import { writeFile } from 'node:fs/promises';
import { DEMO_COMMUNITIES, DEMO_DIVISIONS } from '../../../cli/demo.ts';
import { demoHistory } from '../../../cli/demo-history.ts';
import type { Communities, Divisions, VisitorStats } from '../../../contract/query.ts';
import { DAY } from '../../../contract/reporting-day.ts';
import { Installation, until } from '../../../integrity/installation.ts';
import { seeded } from '../../../integrity/random.ts';
import { SOCKETS_A_USER } from '../options.ts';
import { PAGES } from '../site.ts';

const VISITORS_A_DAY = 120;
const SEED = 20_260_101;
const COUNTED_TIMEOUT_MS = 300_000;

export interface Target {
  /** What the script is told of it. */
  readonly environment: Record<string, string>;
  close(): Promise<void>;
}

export function isDeployment(environment: NodeJS.ProcessEnv): boolean {
  return ['BASE_URL', 'INGEST_URL', 'API_URL'].some((name) => (environment[name] ?? '') !== '');
}

/** How many users may have so many sockets. */
export function usersFor(watchers: number): number {
  return Math.max(1, Math.ceil(watchers / SOCKETS_A_USER));
}

export function ownEnvironment(
  collector: string,
  api: string,
  tokens: readonly string[],
): Record<string, string> {
  return { INGEST_URL: collector, API_URL: api, TOKEN: tokens.join(','), SEND_ADDRESSES: 'true' };
}

interface OwnOptions {
  /** Of history before today; 0 for none. */
  historyDays: number;
  /** Sockets at once. */
  watchers: number;
  say(words: string): void;
}

/** As `npm start` runs it, in a temporary folder, on free ports, without limits, and it believes what is said of addresses. */
export async function ownInstallation({ historyDays, watchers, say }: OwnOptions): Promise<Target> {
  const footfall = await Installation.create({ TRUSTED_PROXIES: '127.0.0.1,::1' });
  try {
    say(`starting an installation in ${footfall.folder}`);
    await footfall.start();
    await must(footfall, 'divisions', DEMO_DIVISIONS);
    await must(footfall, 'communities', DEMO_COMMUNITIES);
    if (historyDays > 0) {
      say(`giving it ${historyDays} days of history`);
      await giveHistory(footfall, historyDays);
    }
    const tokens = [footfall.token];
    while (tokens.length < usersFor(watchers)) {
      tokens.push(await must(footfall, 'token', '--staff', '--subject', `admin ${tokens.length}`));
    }
    return {
      environment: ownEnvironment(footfall.collector, footfall.api, tokens),
      close: () => footfall.remove(),
    };
  } catch (error) {
    await footfall.remove();
    throw error;
  }
}

/** Visitors of the past, by the job that imports them; until the API counts them all. */
async function giveHistory(footfall: Installation, days: number): Promise<void> {
  const now = Date.now();
  const divisions = await footfall.query<Divisions>('divisions/');
  const communities = await footfall.query<Communities>('communities/');
  const lines = [
    ...demoHistory({
      pages: PAGES.map(({ url }) => url.replace(/^https:\/\/[^/]+/, '')),
      divisions: divisions.map(({ division_id }) => division_id),
      communities: communities.map(({ community_id }) => community_id),
      days,
      visitorsADay: VISITORS_A_DAY,
      now,
      random: seeded(SEED),
    }),
  ];
  const file = `${footfall.folder}/history.ndjson`;
  await writeFile(file, lines);
  await must(footfall, 'import', file);
  const dayOf = (daysAgo: number) => new Date(now - daysAgo * DAY).toISOString().slice(0, 10);
  await until('the history to be counted', COUNTED_TIMEOUT_MS, async () => {
    const past = `visitors/?start_date=${dayOf(days)}&end_date=${dayOf(1)}`;
    const { total_page_views } = await footfall.query<VisitorStats>(past);
    return total_page_views === lines.length;
  });
}

/** Runs a command of the command line; answers what it printed. */
async function must(footfall: Installation, ...args: string[]): Promise<string> {
  const { code, output } = await footfall.run(...args);
  if (code !== 0) throw new Error(`footfall ${args.join(' ')} ended with ${code}:\n${output}`);
  return output.trim();
}
