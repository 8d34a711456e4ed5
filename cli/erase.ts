/** `footfall erase`: removes what is kept of a visitor or a user, and prints the receipt. */
import { setTimeout as pause } from 'node:timers/promises';
import Value from 'typebox/value';
import { type Config, ConfigError } from '../config.ts';
import { ErasureReceipt, UserPath, VisitorPath } from '../contract/privacy.ts';
import { calendar } from '../contract/reporting-day.ts';
import { eraseSettled } from '../pipeline/erasing.ts';
import { hashingOf, type Person, Privacy } from '../query-api/privacy.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { openAnalyticsStore, openEventLog, openLiveStore, openSessionStore } from './engines.ts';
import { requireStores } from './installed.ts';
import { createLogger } from './logger.ts';
import { type RunningApi, runningApi } from './running-api.ts';
import { fingerprintSecrets } from './secrets.ts';

const LOOK_MS = 500;
/** What runs settles what it has counted within seconds. */
const PATIENCE_MS = 60_000;

/** No setting is wrong, and nothing is lost: it is completed later. */
export class UnfinishedError extends Error {
  override readonly name = 'UnfinishedError';
  readonly code = 'unfinished';
}

interface Clock {
  now(): number;
  pause(ms: number): Promise<unknown>;
}

/** @throws UnfinishedError where it is not complete after a minute: it has begun, and is completed by what runs */
export async function runErase(
  config: Config,
  options: { visitor?: string; user?: string },
  clock: Clock = { now: Date.now, pause },
): Promise<void> {
  const person = personOf(options);
  const running = await runningApi(config);
  const receipt = await (running === undefined
    ? eraseHere(config, person, clock)
    : eraseThere(running, person, clock));
  console.log(JSON.stringify(receipt, undefined, 2));
}

function personOf({ visitor, user }: { visitor?: string; user?: string }): Person {
  if (visitor !== undefined && user === undefined) {
    const named = { fingerprint: visitor };
    if (Value.Check(VisitorPath, named)) return named;
    throw new ConfigError('--visitor: a fingerprint has 8 to 128 characters');
  }
  if (user !== undefined && visitor === undefined) {
    if (Value.Check(UserPath, { id: user })) return { userId: user };
    throw new ConfigError('--user: an id has 1 to 64 characters');
  }
  if (user !== undefined) throw new ConfigError('--visitor and --user: one of them at a time');
  throw new ConfigError('say whose data is to be removed: --visitor FINGERPRINT or --user ID');
}

async function eraseThere({ ask }: RunningApi, person: Person, clock: Clock): Promise<ErasureReceipt> {
  const path =
    'userId' in person
      ? `privacy/users/${encodeURIComponent(person.userId)}`
      : `privacy/visitors/${encodeURIComponent(person.fingerprint)}`;
  const { id } = Value.Parse(ErasureReceipt, await ask(path, 'DELETE'));
  return completed(id, clock, {
    look: async () => Value.Parse(ErasureReceipt, await ask(`privacy/erasures/${id}`)),
    goesOn: 'the installation goes on with it',
  });
}

async function eraseHere(config: Config, person: Person, clock: Clock): Promise<ErasureReceipt> {
  requireStores(config);
  const logger = createLogger(config, 'erase');
  const [sessions, live] = await Promise.all([
    openSessionStore(config, logger),
    openLiveStore(config, logger),
  ]);
  const log = await openEventLog(config, logger);
  try {
    const analytics = await openAnalyticsStore(config, sessions);
    try {
      const hashing = hashingOf(config, { sessions, fingerprintSecrets: fingerprintSecrets(config) });
      const privacy = new Privacy({ analytics, sessions, ...hashing, now: Date.now });
      const tracker = new VisitorTracker(live, { realtimeTtlMs: config.realtimeTtlMs });
      const { id } = await privacy.erase(person, 'command line');
      return await completed(id, clock, {
        async look() {
          await eraseSettled({
            ...{ analytics, sessions, log, live, calendar: calendar(config.timeZone), now: Date.now },
            leave: (visitor) => tracker.removeVisitor(visitor),
            onLiveFailed: (err) => logger.warn({ err }, 'the live store does not answer'),
          });
          return privacy.erasure(id);
        },
        goesOn: 'what was counted last is not settled yet, and the pipeline completes it once it runs',
      });
    } finally {
      await analytics.close();
    }
  } finally {
    await Promise.all([sessions.close(), live.close(), log.close()]);
  }
}

async function completed(
  id: string,
  clock: Clock,
  { look, goesOn }: { look: () => Promise<ErasureReceipt>; goesOn: string },
): Promise<ErasureReceipt> {
  for (const until = clock.now() + PATIENCE_MS; clock.now() < until; await clock.pause(LOOK_MS)) {
    const receipt = await look();
    if (receipt.completed_at !== null) return receipt;
  }
  throw new UnfinishedError(
    `the erasure has begun and is not complete after ${PATIENCE_MS / 1_000} s: ${goesOn}. ` +
      `Its receipt: GET /api/analytics/privacy/erasures/${id}`,
  );
}
