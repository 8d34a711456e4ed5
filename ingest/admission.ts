/** From a request's head and beacons to its answer: limits, policies, then the log. */
import type { BlockList } from 'node:net';
import type { Logger } from 'pino';
import type { Beacon } from '../contract/beacon.ts';
import { clientAddress } from '../contract/client-address.ts';
import { type DropReason, OUTCOME_HEADER, REJECT_STATUS, type RejectReason } from '../contract/outcome.ts';
import { LogError } from '../kafka/port.ts';
import { type LiveStore, LiveStoreError } from '../redis/port.ts';
import { seldom } from '../seldom.ts';
import { browserProfiles } from './browser.ts';
import { countryLookup } from './country.ts';
import { eventMaker } from './event-of.ts';
import { type Framer, OverloadedError } from './framer.ts';
import type { Answer } from './http.ts';
import type { CollectorMetrics } from './metrics.ts';
import { dropReason } from './policy.ts';
import type { RequestHead } from './request.ts';
import type { Rejection } from './validation.ts';

const MINUTE = 60_000;
const RETRY_AFTER_SECONDS = 1;

export interface AdmissionOptions {
  framer: Framer;
  live: LiveStore;
  metrics: CollectorMetrics;
  log: Logger;
  fingerprintSecret: string;
  trustedProxies: BlockList;
  respectDnt: boolean;
  /** Beacons a minute an address; 0: no limit. */
  rateLimit: number;
  now(): number;
}

export interface Admission {
  addressOf(head: RequestHead): string;
  /** What to answer to a request of these beacons. Accepted beacons are durable when it resolves. */
  admit(head: RequestHead, beacons: Beacon[]): Promise<Answer>;
  reject(rejection: Rejection, retryAfterSeconds?: number): Answer;
}

export async function admission(options: AdmissionOptions): Promise<Admission> {
  const { framer, live, metrics, log, now } = options;
  const countryOf = await countryLookup();
  const profileOf = browserProfiles();
  const toEvent = eventMaker(options.fingerprintSecret);
  const warnUnlimited = seldom((err, unsaid) =>
    log.warn({ err, unsaid }, 'the live store is away: beacons pass without a rate limit'),
  );

  function reject(rejection: Rejection, retryAfterSeconds?: number): Answer {
    metrics.rejected(rejection.error);
    return {
      status: REJECT_STATUS[rejection.error],
      headers: {
        'Content-Type': 'application/json',
        ...outcome(rejection.error),
        ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
      },
      body: JSON.stringify(rejection),
    };
  }

  async function overLimit(address: string, beacons: number): Promise<number | undefined> {
    if (options.rateLimit === 0) return undefined;
    try {
      const { allowed, resetMs } = await live.take(`ingest:${address}`, beacons, options.rateLimit, MINUTE);
      return allowed ? undefined : Math.max(1, Math.ceil(resetMs / 1_000));
    } catch (error) {
      if (!(error instanceof LiveStoreError)) throw error;
      metrics.unlimited();
      warnUnlimited(error);
      return undefined;
    }
  }

  function addressOf(head: RequestHead): string {
    return clientAddress(head.remoteAddress, head.forwardedFor, options.trustedProxies);
  }

  return {
    addressOf,
    reject,
    async admit(head, beacons) {
      const address = addressOf(head);
      const retryAfter = await overLimit(address, beacons.length);
      if (retryAfter !== undefined) {
        const message = `more than ${options.rateLimit} beacons a minute from one address`;
        return reject({ error: 'rate_limited', message }, retryAfter);
      }

      const { isBot, ...browser } = profileOf(head.userAgent);
      const reason = dropReason({ ...head, isBot }, options.respectDnt);
      if (reason !== undefined) {
        metrics.dropped(reason, beacons.length);
        // Answered all the same when the log cannot take the count: sending again would not make them count.
        await framer.drop(reason, beacons.length, now()).catch((error: unknown) => {
          unavailable(error, log);
          metrics.dropNotRecorded(beacons.length);
        });
        return { status: 202, headers: outcome(reason) };
      }

      const facts = { receivedAt: now(), country: countryOf(address), ...browser };
      try {
        await framer.add(beacons.map((beacon) => toEvent(beacon, facts)));
      } catch (error) {
        return reject(unavailable(error, log), RETRY_AFTER_SECONDS);
      }
      metrics.accepted(beacons.length);
      metrics.late(beacons.filter(({ late }) => late).length);
      return { status: 202, headers: outcome('accepted') };
    },
  };
}

function unavailable(error: unknown, log: Logger): Rejection {
  if (error instanceof OverloadedError) return { error: 'overloaded', message: error.message };
  if (error instanceof LogError) {
    log.warn({ err: error }, 'the log takes no frames: beacons are refused, senders will try again');
    return { error: 'log_unavailable', message: 'the log cannot take beacons now' };
  }
  throw error;
}

function outcome(result: 'accepted' | DropReason | RejectReason): Record<string, string> {
  return { [OUTCOME_HEADER]: result };
}
