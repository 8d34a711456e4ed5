/**
 * Answers that are errors. Each has an id in `X-Request-Id`, and the log a line with the same id: a bug as an error; what the log did not
 * take as a warning, one id for all whose beacons went with the same append, and one line in ten seconds; what a request did wrong at
 * debug. But `overloaded`, which says nothing of the request and has to be cheap, has none.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { OUTCOME_HEADER, REJECT_STATUS } from '../contract/outcome.ts';
import { LogError } from '../kafka/port.ts';
import { seldom } from '../seldom.ts';
import { OverloadedError } from './framer.ts';
import { type Answer, givenOften, headerLines, typeLines } from './http.ts';
import type { CollectorMetrics } from './metrics.ts';
import type { Rejection } from './validation.ts';

export const REQUEST_ID_HEADER = 'X-Request-Id';
const RETRY_AFTER_SECONDS = 1;
/** How long an overload is told of after it. */
const REMEMBERED_MS = 10_000;
const COME_AGAIN: ReadonlySet<number> = new Set([429, 503]);
const OVERLOADED = givenOften(
  refused({ error: 'overloaded', message: 'more beacons come than can be taken' }),
);

export interface Refusals {
  /** By a rule. */
  reject(rejection: Rejection, retryAfterSeconds?: number): Answer;
  /** Within the last ten seconds. */
  readonly hasBeenOverloaded: boolean;
  /** Without a look at the request, as there is no time for it. */
  overloaded(): Answer;
  /** What kept beacons from being durable; whatever is not known here is a bug. */
  untaken(error: unknown): Answer;
  /** A bug becomes a 500 and a log line, not a hanging client. */
  failed(error: unknown): Answer;
}

interface RefusalOptions {
  metrics: CollectorMetrics;
  log: Logger;
  now(): number;
}

export function refusals({ metrics, log, now }: RefusalOptions): Refusals {
  let overloadedAt = Number.NEGATIVE_INFINITY;
  const ids = new WeakMap<LogError, string>();
  const warn = seldom<{ err: LogError; requestId: string }>((refused, unsaid) =>
    log.warn({ ...refused, unsaid }, 'the log takes no frames: beacons are refused, senders will try again'),
  );

  function idOf(error: LogError): string {
    const known = ids.get(error);
    if (known !== undefined) return known;
    const requestId = randomUUID();
    ids.set(error, requestId);
    warn({ err: error, requestId });
    log.debug({ err: error, requestId }, 'an append was refused');
    return requestId;
  }

  function noteOverload(): void {
    metrics.rejected('overloaded');
    overloadedAt = now();
  }

  function failed(error: unknown): Answer {
    const requestId = randomUUID();
    metrics.failed();
    log.error({ err: error, requestId }, 'a request failed');
    return { status: 500, headers: headerLines({ [REQUEST_ID_HEADER]: requestId }) };
  }

  return {
    reject(rejection, retryAfterSeconds) {
      const requestId = randomUUID();
      // Not the message, which may have some of the request's text.
      const { error, field, index, rule } = rejection;
      metrics.rejected(error);
      log.debug({ requestId, error, field, index, rule }, 'a request was refused');
      return refused(rejection, { requestId, retryAfterSeconds });
    },
    get hasBeenOverloaded() {
      return now() - overloadedAt < REMEMBERED_MS;
    },
    overloaded() {
      noteOverload();
      return OVERLOADED;
    },
    untaken(error) {
      if (error instanceof OverloadedError) {
        noteOverload();
        return refused({ error: 'overloaded', message: error.message });
      }
      if (!(error instanceof LogError)) return failed(error);
      metrics.rejected('log_unavailable');
      const rejection: Rejection = { error: 'log_unavailable', message: 'the log cannot take beacons now' };
      return refused(rejection, { requestId: idOf(error) });
    },
    failed,
  };
}

/** Who may come again is told when: where nothing else is said, in a second. */
function refused(
  rejection: Rejection,
  about: { requestId?: string; retryAfterSeconds?: number | undefined } = {},
): Answer {
  const { requestId, retryAfterSeconds = RETRY_AFTER_SECONDS } = about;
  const status = REJECT_STATUS[rejection.error];
  return {
    status,
    headers:
      typeLines('application/json') +
      headerLines({
        [OUTCOME_HEADER]: rejection.error,
        ...(requestId !== undefined && { [REQUEST_ID_HEADER]: requestId }),
        ...(COME_AGAIN.has(status) && { 'Retry-After': String(retryAfterSeconds) }),
      }),
    body: JSON.stringify(rejection),
  };
}
