/** Every way a request can fail, and the one table from error code to HTTP status. */
import type { Logger } from 'pino';
import { AnalyticsStoreError } from '../clickhouse/port.ts';
import type { ErrorBody } from '../contract/outcome.ts';
import { LogError } from '../kafka/port.ts';
import { SessionStoreError } from '../postgres/port.ts';
import { LiveStoreError } from '../redis/port.ts';

const ERROR_STATUS = {
  invalid_parameter: 400,
  unauthenticated: 401,
  forbidden: 403,
  origin_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  upgrade_required: 426,
  rate_limited: 429,
  too_many_sockets: 429,
  internal: 500,
  unavailable: 503,
} as const;
type ErrorCode = keyof typeof ERROR_STATUS;

export const REQUEST_ID_HEADER = 'X-Request-Id';
const RETRY_AFTER_SECONDS = '5';

interface ErrorDetails extends ErrorOptions {
  field?: string;
  rule?: string;
  headers?: Record<string, string>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly rule: string | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.code = code;
    this.field = details.field;
    this.rule = details.rule;
    this.headers = details.headers ?? {};
  }
}

/** @param rule name of the rule that is broken, for programs; `message` is for people */
export function invalidParameter(field: string, rule: string, message: string): ApiError {
  return new ApiError('invalid_parameter', `${field} ${message}`, { field, rule });
}

/**
 * What the client is told. The log has a line under the id that the client gets: of a fault of ours as an error, of a store that is away
 * as a warning, of what the client did wrong at debug.
 */
export function errorResponse(error: unknown, requestId: string, log: Logger): Response {
  const about = { err: error, requestId };
  const answer = answerOf(error, requestId);
  if (answer.code === 'internal') log.error(about, 'a request failed');
  else if (answer.code === 'unavailable') log.warn(about, 'a store does not answer');
  else log.debug({ requestId, error: answer.code, field: answer.field }, 'a request was refused');
  const body: ErrorBody = { error: answer.code, message: answer.message };
  if (answer.field !== undefined) body.field = answer.field;
  if (answer.rule !== undefined) body.rule = answer.rule;
  return Response.json(body, {
    status: ERROR_STATUS[answer.code],
    headers: { 'Cache-Control': 'no-store', [REQUEST_ID_HEADER]: requestId, ...answer.headers },
  });
}

function answerOf(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error;
  if (isOfStore(error) && error.retryable) {
    return new ApiError('unavailable', 'a store does not answer at the moment', {
      cause: error,
      headers: { 'Retry-After': RETRY_AFTER_SECONDS },
    });
  }
  return new ApiError('internal', `something went wrong; request id ${requestId}`, { cause: error });
}

function isOfStore(error: unknown) {
  return (
    error instanceof AnalyticsStoreError ||
    error instanceof LogError ||
    error instanceof SessionStoreError ||
    error instanceof LiveStoreError
  );
}
