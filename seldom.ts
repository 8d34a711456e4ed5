/** For log lines about what may happen ten thousand times a second. */

const INTERVAL_MS = 10_000;

/** Says the first of them at once, then at most one in ten seconds, with how many were not said in between. */
export function seldom<What = unknown>(
  say: (what: What, unsaid: number) => void,
  now: () => number = () => performance.now(),
): (what: What) => void {
  let silentUntil = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (what) => {
    if (now() < silentUntil) {
      unsaid += 1;
      return;
    }
    silentUntil = now() + INTERVAL_MS;
    say(what, unsaid);
    unsaid = 0;
  };
}
