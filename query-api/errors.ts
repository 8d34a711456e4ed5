/** Every way a request can fail, and the one table from error code to HTTP status. */
import { randomUUID } from 'node:crypto';
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

/** What the client is told. Whatever is not expected is logged under a request id, which is all the client sees of it. */
export function errorResponse(error: unknown, log: Logger): Response {
  const known = error instanceof ApiError ? error : fromStore(error, log);
  const answer = known ?? unexpected(error, log);
  const body: ErrorBody = { error: answer.code, message: answer.message };
  if (answer.field !== undefined) body.field = answer.field;
  if (answer.rule !== undefined) body.rule = answer.rule;
  return Response.json(body, {
    status: ERROR_STATUS[answer.code],
    headers: { 'Cache-Control': 'no-store', ...answer.headers },
  });
}

function fromStore(error: unknown, log: Logger): ApiError | undefined {
  const ofStore =
    error instanceof AnalyticsStoreError ||
    error instanceof LogError ||
    error instanceof SessionStoreError ||
    error instanceof LiveStoreError;
  if (!ofStore || !error.retryable) return undefined;
  log.warn({ err: error }, 'a store does not answer');
  return new ApiError('unavailable', 'a store does not answer at the moment', {
    cause: error,
    headers: { 'Retry-After': RETRY_AFTER_SECONDS },
  });
}

function unexpected(error: unknown, log: Logger): ApiError {
  const requestId = randomUUID();
  log.error({ err: error, requestId }, 'a request failed');
  return new ApiError('internal', `something went wrong; request id ${requestId}`, {
    cause: error,
    headers: { 'X-Request-Id': requestId },
  });
}
