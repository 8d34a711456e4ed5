/** What the API said last of the hour's requests that are left: pages refresh slower as they run out. */

/** A page uses at most this part of what is left: others of the same user share it. */
const OWN_SHARE = 0.5;
/** What a page with all its panels asks in an hour, about. */
const REQUESTS_AN_HOUR = 550;
const HOUR_SECONDS = 3_600;

let remaining = Number.POSITIVE_INFINITY;
let resetSeconds = 0;

export function noteAllowance(headers: Headers): void {
  const left = headers.get('RateLimit-Remaining');
  if (left === null) return;
  remaining = Number(left);
  resetSeconds = Number(headers.get('RateLimit-Reset') ?? 0);
}

/** How long to wait before the same is asked again, ms: as long as is wanted, or longer. */
export function affordablePace(wantedMs: number): number {
  const needed = (REQUESTS_AN_HOUR * resetSeconds) / HOUR_SECONDS;
  const affordable = OWN_SHARE * Math.max(1, remaining);
  return wantedMs * Math.max(1, needed / affordable);
}
