/** From a request's head and beacons to its answer: limits, policies, then the log. */
import type { Logger } from 'pino';
import { clientAddress, type TrustedProxies } from '../contract/client-address.ts';
import { type DropReason, OUTCOME_HEADER, REJECT_STATUS } from '../contract/outcome.ts';
import { LogError } from '../kafka/port.ts';
import type { LiveStore } from '../redis/port.ts';
import { seldom } from '../seldom.ts';
import { browserProfiles } from './browser.ts';
import { countryLookup } from './country.ts';
import { eventMaker } from './event-of.ts';
import { type Framer, OverloadedError, type Settle } from './framer.ts';
import { type Answer, givenOften, headerLines, typeLines } from './http.ts';
import type { CollectorMetrics } from './metrics.ts';
import { dropPolicy } from './policy.ts';
import { rateLimit } from './rate-limit.ts';
import type { RequestHead } from './request.ts';
import { senderBook } from './senders.ts';
import type { Batch, Rejection } from './validation.ts';

const RETRY_AFTER_SECONDS = 1;
const COME_AGAIN: ReadonlySet<number> = new Set([429, 503]);
const ACCEPTED = givenOften({ status: 202, headers: headerLines({ [OUTCOME_HEADER]: 'accepted' }) });
const DROPPED: Readonly<Record<DropReason, Answer>> = {
  bot: dropped('bot'),
  prefetch: dropped('prefetch'),
  do_not_track: dropped('do_not_track'),
  global_privacy_control: dropped('global_privacy_control'),
};

export interface AdmissionOptions {
  framer: Framer;
  live: LiveStore;
  metrics: CollectorMetrics;
  log: Logger;
  fingerprintSecret: string;
  trustedProxies: TrustedProxies;
  respectDnt: boolean;
  /** Beacons a minute an address; 0: no limit. */
  rateLimit: number;
  now(): number;
}

type Respond = (answer: Answer) => void;

export interface Admission {
  addressOf(head: RequestHead): string;
  /** Calls `respond` once with what to answer to a request of these beacons: accepted, they are durable by then. */
  admit(head: RequestHead, batch: Batch, respond: Respond): void;
  reject(rejection: Rejection, retryAfterSeconds?: number): Answer;
}

export async function admission(options: AdmissionOptions): Promise<Admission> {
  const { framer, live, metrics, log, now } = options;
  const senderOf = senderBook(await countryLookup());
  const profileOf = browserProfiles();
  const toEvent = eventMaker(options.fingerprintSecret);
  const dropReason = dropPolicy(options.respectDnt);
  const warnUnshared = seldom((err, unsaid) =>
    log.warn({ err, unsaid }, 'the live store is away: each collector limits addresses by what it sees'),
  );
  const take = rateLimit({
    live,
    limit: options.rateLimit,
    now,
    onUnshared(error) {
      metrics.unshared();
      warnUnshared(error);
    },
  });

  function reject(rejection: Rejection, retryAfterSeconds?: number): Answer {
    metrics.rejected(rejection.error);
    return refused(rejection, retryAfterSeconds);
  }

  /** What to answer where the log did not take beacons. */
  function refusal(error: unknown): Answer {
    if (error instanceof OverloadedError) {
      return reject({ error: 'overloaded', message: error.message });
    }
    if (error instanceof LogError) {
      log.warn({ err: error }, 'the log takes no frames: beacons are refused, senders will try again');
      const message = 'the log cannot take beacons now';
      return reject({ error: 'log_unavailable', message });
    }
    log.error({ err: error }, 'a request failed');
    return { status: 500 };
  }

  // What waits for the log holds no more than it needs: hundreds of requests do, and the garbage collector moves what they hold.

  function afterAppend(beacons: number, late: number, respond: Respond): Settle {
    return (error) => {
      if (error !== undefined) {
        respond(refusal(error));
        return;
      }
      metrics.accepted(beacons, late);
      respond(ACCEPTED);
    };
  }

  function afterDrop(reason: DropReason, beacons: number, respond: Respond): Settle {
    return (error) => {
      if (error !== undefined) {
        log.warn({ err: error, reason, beacons }, 'the log does not know of a drop');
        metrics.dropNotRecorded(beacons);
      }
      // Also when the log cannot take the count: sending again would not make them count.
      respond(DROPPED[reason]);
    };
  }

  function addressOf(head: RequestHead): string {
    return clientAddress(head.remoteAddress, head.forwardedFor, options.trustedProxies);
  }

  return {
    addressOf,
    reject,
    admit(head, { beacons, verbatim }, respond) {
      const receivedAt = now();
      const sender = senderOf(addressOf(head));
      const retryAfter = take(sender, beacons.length, receivedAt);
      if (retryAfter !== undefined) {
        const message = `more than ${options.rateLimit} beacons a minute from one address`;
        respond(reject({ error: 'rate_limited', message }, retryAfter));
        return;
      }

      const profile = profileOf(head.userAgent);
      const { purpose, doNotTrack, globalPrivacyControl } = head;
      const reason = dropReason({ isBot: profile.isBot, purpose, doNotTrack, globalPrivacyControl });
      if (reason !== undefined) {
        metrics.dropped(reason, beacons.length);
        framer.drop(reason, beacons.length, receivedAt, afterDrop(reason, beacons.length, respond));
        return;
      }

      const events = beacons.map((beacon) => toEvent(beacon, receivedAt, sender.country, profile.facts));
      const late = beacons.filter((beacon) => beacon.late).length;
      framer.add(events, verbatim && profile.verbatim, afterAppend(beacons.length, late, respond));
    },
  };
}

/** Who may come again is told when: where nothing else is said, in a second. */
export function refused(rejection: Rejection, retryAfterSeconds = RETRY_AFTER_SECONDS): Answer {
  const status = REJECT_STATUS[rejection.error];
  return {
    status,
    headers:
      typeLines('application/json') +
      headerLines({
        [OUTCOME_HEADER]: rejection.error,
        ...(COME_AGAIN.has(status) ? { 'Retry-After': String(retryAfterSeconds) } : {}),
      }),
    body: JSON.stringify(rejection),
  };
}

function dropped(reason: DropReason): Answer {
  return givenOften({ status: 202, headers: headerLines({ [OUTCOME_HEADER]: reason }) });
}
