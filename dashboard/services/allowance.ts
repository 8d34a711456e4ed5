/** What the API said last of the hour's requests that are left: pages refresh slower as they run out. */

/** A page uses at most this part of what is left: others of the same user share it. */
const OWN_SHARE = 0.5;
/** Requests that one round of all panels takes, about. */
const REQUESTS_A_ROUND = 12;

let remaining = Number.POSITIVE_INFINITY;
let resetSeconds = 0;

export function noteAllowance(headers: Headers): void {
  const left = headers.get('RateLimit-Remaining');
  if (left === null) return;
  remaining = Number(left);
  resetSeconds = Number(headers.get('RateLimit-Reset') ?? 0);
}

/** How long to wait between two rounds, ms: the pace that is wanted, or slower. */
export function affordablePace(wantedMs: number): number {
  const rounds = (OWN_SHARE * Math.max(1, remaining)) / REQUESTS_A_ROUND;
  return Math.max(wantedMs, (1_000 * resetSeconds) / rounds);
}
