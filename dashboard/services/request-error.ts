/** Why a question to the query API has no answer. */
import type { ErrorBody } from '../../contract/outcome.ts';

export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** Name of the error, for programs. */
  readonly code: string;
  /** Parameter that breaks a rule. */
  readonly field: string | undefined;
  /** Seconds to wait before the same question makes sense again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    body: Partial<ErrorBody>,
    retryAfter: number | undefined,
    options?: ErrorOptions,
  ) {
    super(
      body.message ?? (status === 0 ? 'the server cannot be reached' : `the server answered ${status}`),
      options,
    );
    this.status = status;
    this.code = body.error ?? (status === 0 ? 'unreachable' : 'unknown');
    this.field = body.field;
    this.retryAfter = retryAfter;
  }

  /** Whether the same question may be answered later. */
  get retryable(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Of an answer that is not 2xx. */
export async function requestError(response: Response): Promise<RequestError> {
  const body: unknown = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return new RequestError(
    response.status,
    typeof body === 'object' && body !== null ? body : {},
    Number.isFinite(seconds) ? seconds : undefined,
  );
}
