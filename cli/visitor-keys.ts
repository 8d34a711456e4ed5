/** What fingerprints are hashed with, as `VISITOR_SALT` says. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { calendar } from '../contract/reporting-day.ts';
import { keysOfHistory, oneKey, type VisitorKeys } from '../contract/visitor-key.ts';
import { type DailyKeys, openDailyKeys } from '../ingest/daily-keys.ts';
import { openSessionStore } from './engines.ts';
import { fingerprintSecrets, readSecrets } from './secrets.ts';

/** Of live beacons. Rejects where there is to be a salt for today and none can be had. */
export async function openVisitorKeys(config: Config, logger: Logger): Promise<DailyKeys> {
  if (config.visitorSalt === 'none') {
    return { ...lastingKey(config), close: async () => {} };
  }
  return openDailyKeys({
    // A collector needs the session store a few times a day, and nothing of it in between.
    async saltOf(day) {
      const sessions = await openSessionStore(config, logger);
      try {
        return await sessions.visitorSalt(day);
      } finally {
        await sessions.close();
      }
    },
    calendar: calendar(config.timeZone),
    now: Date.now,
    onFailure: (err) => logger.warn({ err }, 'the salt of a day to come cannot be had: trying again'),
  });
}

/** Of imported history. */
export function historyKeys(config: Config): VisitorKeys {
  return config.visitorSalt === 'none'
    ? lastingKey(config)
    : keysOfHistory(readSecrets(config).fingerprintSecret, calendar(config.timeZone));
}

function lastingKey(config: Config): VisitorKeys {
  const [secret, previous] = fingerprintSecrets(config);
  return oneKey(secret, previous);
}
