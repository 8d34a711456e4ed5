/** For log lines about what may happen ten thousand times a second. */

const INTERVAL_MS = 10_000;

/** Says the first of them at once, then at most one in ten seconds, with how many were not said in between. */
export function seldom(
  say: (error: unknown, unsaid: number) => void,
  now: () => number = () => performance.now(),
): (error: unknown) => void {
  let silentUntil = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (error) => {
    if (now() < silentUntil) {
      unsaid += 1;
      return;
    }
    silentUntil = now() + INTERVAL_MS;
    say(error, unsaid);
    unsaid = 0;
  };
}
