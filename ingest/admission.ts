/** From a request's head and beacons to its answer: limits, policies, then the log. */
import type { Logger } from 'pino';
import { clientAddress, type TrustedProxies } from '../contract/client-address.ts';
import { type DropReason, OUTCOME_HEADER } from '../contract/outcome.ts';
import type { VisitorKeys } from '../contract/visitor-key.ts';
import type { LiveStore } from '../redis/port.ts';
import { seldom } from '../seldom.ts';
import { browserProfiles } from './browser.ts';
import { countryLookup } from './country.ts';
import { eventMaker } from './event-of.ts';
import type { Framer, Settle } from './framer.ts';
import { type Answer, givenOften, headerLines } from './http.ts';
import type { CollectorMetrics } from './metrics.ts';
import { dropPolicy } from './policy.ts';
import { rateLimit } from './rate-limit.ts';
import type { Refusals } from './refusals.ts';
import type { RequestHead } from './request.ts';
import { senderBook } from './senders.ts';
import type { Batch } from './validation.ts';

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
  refusals: Refusals;
  log: Logger;
  fingerprintSecret: string;
  trustedProxies: TrustedProxies;
  respectDnt: boolean;
  /** Beacons a minute an address; 0: no limit. */
  rateLimit: number;
  visitorKeys: VisitorKeys;
  now(): number;
}

type Respond = (answer: Answer) => void;

export interface Admission {
  addressOf(head: RequestHead): string;
  /** Calls `respond` once with what to answer to a request of these beacons: accepted, they are durable by then. */
  admit(head: RequestHead, batch: Batch, respond: Respond): void;
}

export async function admission(options: AdmissionOptions): Promise<Admission> {
  const { framer, live, metrics, refusals, log, now } = options;
  const senderOf = senderBook(await countryLookup());
  const profileOf = browserProfiles();
  const toEvent = eventMaker();
  const dropReason = dropPolicy(options.respectDnt);
  const warnUnshared = seldom((err, unsaid) =>
    log.warn({ err, unsaid }, 'the live store is away: each collector limits addresses by what it sees'),
  );
  const warnNotRecorded = seldom((err, unsaid) =>
    log.warn({ err, unsaid }, 'the ledger does not know of beacons that were dropped by policy'),
  );
  const take = rateLimit({
    live,
    limit: options.rateLimit,
    secret: options.fingerprintSecret,
    now,
    onUnshared(error) {
      metrics.unshared();
      warnUnshared(error);
    },
  });

  // What waits for the log holds no more than it needs: hundreds of requests do, and the garbage collector moves what they hold.

  function afterAppend(beacons: number, late: number, respond: Respond): Settle {
    return (error) => {
      if (error !== undefined) {
        respond(refusals.untaken(error));
        return;
      }
      metrics.accepted(beacons, late);
      respond(ACCEPTED);
    };
  }

  function afterDrop(reason: DropReason, beacons: number, respond: Respond): Settle {
    return (error) => {
      if (error !== undefined) {
        warnNotRecorded(error);
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
    admit(head, { beacons, verbatim }, respond) {
      const receivedAt = now();
      const sender = senderOf(addressOf(head));
      const retryAfter = take(sender, beacons.length, receivedAt);
      if (retryAfter !== undefined) {
        const message = `more than ${options.rateLimit} beacons a minute from one address`;
        respond(refusals.reject({ error: 'rate_limited', message }, retryAfter));
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

      const key = options.visitorKeys.at(receivedAt);
      if (key === undefined) {
        respond(
          refusals.reject({
            error: 'salt_unavailable',
            message: "there is no salt for today's visitors yet",
          }),
        );
        return;
      }
      const events = beacons.map((beacon) => toEvent(beacon, key, receivedAt, sender.country, profile.facts));
      const late = beacons.filter((beacon) => beacon.late).length;
      framer.add(events, verbatim && profile.verbatim, afterAppend(beacons.length, late, respond));
    },
  };
}

function dropped(reason: DropReason): Answer {
  return givenOften({ status: 202, headers: headerLines({ [OUTCOME_HEADER]: reason }) });
}
