/** Asks the query API of this installation: chDB belongs to the process that runs, so jobs of the command line go by way of it. */
import { type Config, ConfigError } from '../config.ts';
import { requireSecret } from './installed.ts';
import { ownToken } from './token.ts';

const ASK_TIMEOUT_MS = 60_000;

export interface RunningApi {
  /** The body of an answer of 2xx. `path` is below `/api/analytics/`. @throws ConfigError what the API says otherwise */
  ask(path: string, method?: 'GET' | 'DELETE'): Promise<unknown>;
}

/** Nothing where the stores can be opened by whoever asks, or nothing runs. */
export async function runningApi(config: Config): Promise<RunningApi | undefined> {
  if (!config.analyticsUrl.startsWith('chdb:') || config.jwksUrl !== '') return undefined;
  const api = `http://127.0.0.1:${config.apiPort}`;
  if (!(await fetch(`${api}/healthz`).catch(() => undefined))?.ok) return undefined;
  requireSecret(config);
  const claims = { staff: true, subject: 'command line', expiresIn: 3_600 };
  const token = await ownToken(config, claims);
  return {
    async ask(path, method = 'GET') {
      const answer = await fetch(`${api}/api/analytics/${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      });
      const body: unknown = await answer.json();
      if (answer.ok) return body;
      const said =
        typeof body === 'object' && body !== null && 'message' in body ? body.message : answer.status;
      throw new ConfigError(`the query API on ${api} says: ${said}`);
    },
  };
}
