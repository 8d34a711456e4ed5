/** So many requests an hour: by user where the token is good, by address otherwise. Counted in the live store. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { addressHash } from '../contract/visitor.ts';
import type { LiveStore } from '../redis/port.ts';
import { seldom } from '../seldom.ts';
import type { Identity } from './auth.ts';
import { ApiError } from './errors.ts';
import type { Metrics } from './metrics.ts';

const HOUR_MS = 3_600_000;

export type RateLimits = Pick<Config, 'rateLimitAnonymous' | 'rateLimitUser'>;

/** Answers the headers that tell what is left; rejects with ApiError `rate_limited`. */
export type TakeRequest = (
  identity: Identity | undefined,
  address: string,
) => Promise<Record<string, string>>;

/** A live store that fails lets requests through. @param secret hashes the addresses that it is told of */
export function requestLimiter(
  live: LiveStore,
  limits: RateLimits,
  secret: string,
  metrics: Metrics,
  log: Logger,
): TakeRequest {
  const warn = seldom((err, unsaid) =>
    log.warn({ err, unsaid }, 'requests cannot be counted: letting them through'),
  );
  return async (identity, address) => {
    const limit = identity === undefined ? limits.rateLimitAnonymous : limits.rateLimitUser;
    if (limit === 0) return {};
    const allowance = await live
      .take(allowanceKey(identity, addressHash(address, secret)), 1, limit, HOUR_MS)
      .catch((error: unknown) => {
        metrics.liveStoreFailures.inc({ use: 'rate_limit' });
        warn(error);
        return undefined;
      });
    if (allowance === undefined) return {};
    const resetSeconds = Math.max(1, Math.ceil(allowance.resetMs / 1_000));
    const headers = {
      'RateLimit-Limit': `${limit}`,
      'RateLimit-Remaining': `${Math.max(0, allowance.remaining)}`,
      'RateLimit-Reset': `${resetSeconds}`,
    };
    if (allowance.allowed) return headers;
    throw new ApiError('rate_limited', `more than ${limit} requests an hour`, {
      headers: { ...headers, 'Retry-After': `${resetSeconds}` },
    });
  };
}

function allowanceKey(identity: Identity | undefined, address: string): string {
  if (identity === undefined) return `api:anonymous:${address}`;
  return identity.subject === undefined ? `api:user-at:${address}` : `api:user:${identity.subject}`;
}
