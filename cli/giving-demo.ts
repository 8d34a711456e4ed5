/** What `npm start -- --demo` gives an installation that runs: places, a past where there is none, and visitors. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Value from 'typebox/value';
import type { Config } from '../config.ts';
import { VisitorStats } from '../contract/query.ts';
import { DAY } from '../contract/reporting-day.ts';
import { DEMO_COMMUNITIES, DEMO_DIVISIONS, demoPast, runDemo } from './demo.ts';
import { loadCommunities, loadDivisions, runImport } from './jobs.ts';

/** Of the services, and a token of staff. */
export interface Addresses {
  collector: string;
  api: string;
  token: string;
}

/** The demo's visitors come from real places, so those are loaded first. Ends with `signal`, or with a bug. */
export async function giveDemo(config: Config, at: Addresses, signal: AbortSignal): Promise<void> {
  console.log(`demo: its events are invented, and stay in this installation (DATA_DIR=${config.dataDir})`);
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
