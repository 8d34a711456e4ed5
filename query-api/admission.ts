/** The door of every route and socket: who asks, how often, and whether they may. */
import type { Authenticate, Identity } from './auth.ts';
import { unauthenticated } from './auth.ts';
import { ApiError } from './errors.ts';
import type { TakeRequest } from './rate-limit.ts';

export type Access = 'public' | 'staff_or_moderator' | 'staff';

interface Admitted {
  identity: Identity | undefined;
  /** What is left of the allowance, for the answer. */
  headers: Record<string, string>;
}

/** Rejects with ApiError `unauthenticated`, `forbidden`, `rate_limited` or `unavailable`. */
export type Admit = (access: Access, token: string | undefined, address: string) => Promise<Admitted>;

export function admission(authenticate: Authenticate, take: TakeRequest): Admit {
  return async (access, token, address) => {
    let identity: Identity | undefined;
    let refusal: unknown;
    if (token !== undefined) {
      try {
        identity = await authenticate(token);
      } catch (error) {
        refusal = error;
      }
    }
    // Before the refusal, so that guessing tokens is limited as well.
    const headers = await take(identity, address);
    if (access === 'public') return { identity, headers };
    if (refusal !== undefined) throw refusal;
    if (identity === undefined) throw unauthenticated('a token is needed: Authorization: Bearer TOKEN');
    if (access === 'staff' && !identity.isStaff) throw new ApiError('forbidden', 'only staff may read this');
    if (!identity.mayRead) throw new ApiError('forbidden', 'only staff and moderators may read this');
    return { identity, headers };
  };
}
