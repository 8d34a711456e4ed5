/** A virtual user who sends what pages send: visit after visit, a request an iteration. */
import { check } from 'k6';
import execution from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Rate } from 'k6/metrics';
import type { Beacon } from '../../contract/beacon.ts';
import { OUTCOME_HEADER, REJECT_STATUS } from '../../contract/outcome.ts';
import { MOST_VUS } from './arrivals.ts';
import type { Options } from './options.ts';
import { requestsOf } from './visit.ts';
import { numbersOf, type Platform, type Visitor, visitorOf } from './visitors.ts';

const acknowledged = new Counter('beacons_acknowledged');
const repeated = new Counter('requests_repeated');
/** Of all answers to beacons. */
const refused = new Rate('beacons_refused');
const refusedWithoutRetryAfter = new Rate('beacons_refused_without_retry_after');

/** Of answers that a page did not hear, so that it sends the same again. */
const SHARE_UNHEARD = 0.02;
/** Of the new visitors of runs that began a second apart: nothing sends more. */
const NUMBERS_A_SECOND = 1_000_000;
const REFUSALS: readonly number[] = [REJECT_STATUS.rate_limited, REJECT_STATUS.overloaded];
const ACCEPTED = 202;

interface Sending {
  readonly visitor: Visitor;
  readonly beacons: readonly Beacon[];
}

/** `name` tag of its requests. */
export const BEACON = 'beacon';

/** @param refusalsAreExpected 429 and 503, as long as they say when to come again, are no failed requests */
export function pages(options: Options, refusalsAreExpected = false): (platform: Platform) => void {
  const expected = http.expectedStatuses(ACCEPTED, ...(refusalsAreExpected ? REFUSALS : []));
  const waiting: { sending: Sending; from: number }[] = [];
  let visit: Sending[] = [];
  let nextNumber: (() => number) | undefined;

  const next = (platform: Platform): Sending => {
    const [due] = waiting;
    if (due !== undefined && due.from <= Date.now()) {
      waiting.shift();
      repeated.add(1);
      return due.sending;
    }
    nextNumber ??= numbersOf(options.population, firstNewNumber(), MOST_VUS, Math.random);
    for (;;) {
      const sending = visit.shift();
      if (sending !== undefined) return sending;
      const visitor = visitorOf(nextNumber(), platform);
      visit = requestsOf(visitor, platform, Math.random).map((beacons) => ({ visitor, beacons }));
    }
  };

  return (platform) => {
    const sending = next(platform);
    const answer = send(sending);
    const isRefusal = REFUSALS.includes(answer.status);
    const retryAfterS = Number(answer.headers['Retry-After']);
    refused.add(isRefusal);
    refusedWithoutRetryAfter.add(isRefusal && !(retryAfterS > 0));
    if (answer.status === ACCEPTED) acknowledged.add(sending.beacons.length);
    check(answer, {
      'a beacon is acknowledged, or refused for a while': ({ status }) => status === ACCEPTED || isRefusal,
      'the answer says what became of it': ({ headers }) =>
        isRefusal || headers[OUTCOME_HEADER] === (sending.visitor.isBot ? 'bot' : 'accepted'),
    });
    if (isRefusal) waiting.push({ sending, from: Date.now() + retryAfterS * 1_000 });
    else if (Math.random() < SHARE_UNHEARD) waiting.push({ sending, from: 0 });
  };

  function send({ visitor, beacons }: Sending): RefinedResponse<'text'> {
    const [only, ...more] = beacons;
    return http.post(`${options.ingestUrl}/e`, JSON.stringify(more.length === 0 ? only : beacons), {
      headers: {
        'Content-Type': 'text/plain',
        'User-Agent': visitor.userAgent,
        'Accept-Language': visitor.language,
        ...(options.sendsAddresses ? { 'X-Forwarded-For': visitor.address } : {}),
      },
      tags: { name: BEACON },
      responseCallback: expected,
      responseType: 'text',
    });
  }
}

/** Of this virtual user in this run. */
function firstNewNumber(): number {
  const { scenario, vu } = execution;
  return Math.floor(scenario.startTime / 1_000) * NUMBERS_A_SECOND + (vu.idInTest % MOST_VUS);
}
