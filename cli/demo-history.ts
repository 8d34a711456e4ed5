/** Synthetic visitors of past days, as lines for `import`: more each month, fewer on weekends, some of whom come again and sign in. */
import { createHash } from 'node:crypto';
import { DAY } from '../contract/reporting-day.ts';

const MINUTE = 60_000;
/** Share of that at the beginning. */
const BEGINNING = 0.45;
const BY_WEEKDAY = [0.62, 0.96, 1.05, 1.08, 1.02, 0.94, 0.7];
/** Weight of each hour of a day. */
const BY_HOUR = [1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 12, 11, 10, 10, 11, 12, 13, 12, 9, 6, 4, 2];
const SHARE_RETURNING = 0.55;
const SHARE_SIGNING_IN = 0.09;

export interface HistoryOptions {
  pages: readonly string[];
  divisions: readonly string[];
  communities: readonly string[];
  days: number;
  /** Of a day in the middle of the week, at the end. */
  visitorsADay: number;
  /** ms since the epoch; the history ends with the day before. */
  now: number;
  /** In [0, 1). */
  random: () => number;
}

interface Visitor {
  fingerprint: string;
  user: string | undefined;
  division: string | undefined;
}

/** NDJSON, a beacon a line. */
export function* demoHistory(options: HistoryOptions): Generator<string> {
  const { pages, divisions, communities, days, visitorsADay, now, random } = options;
  const known: Visitor[] = [];
  // Large towns have more people than small ones.
  const skewed = <Item>(from: readonly Item[]) => from[Math.floor(from.length * random() ** 2.2)];
  const today = now - (now % DAY);
  for (let day = days; day > 0; day--) {
    const start = today - day * DAY;
    const growth = BEGINNING + (1 - BEGINNING) * (1 - day / days);
    const wanted =
      visitorsADay * growth * (BY_WEEKDAY[new Date(start).getUTCDay()] ?? 1) * (0.92 + 0.16 * random());
    for (let n = 0; n < wanted; n++) {
      const visitor = (random() < SHARE_RETURNING && pastVisitor(known, random)) || {
        fingerprint: createHash('sha256').update(`${random()}`).digest('hex').slice(0, 32),
        user: undefined,
        division: skewed(divisions),
      };
      known.push(visitor);
      const community = skewed(communities);
      const views = 1 + Math.floor(6 * random() ** 2);
      let at = start + (hourOf(random) + random()) * 60 * MINUTE;
      for (let view = 0; view < views; view++) {
        if (visitor.user === undefined && random() < SHARE_SIGNING_IN)
          visitor.user = visitor.fingerprint.slice(0, 8);
        const beacon = {
          ts: new Date(Math.min(at, start + DAY - 1)).toISOString(),
          url: `https://example.org${skewed(pages)}`,
          fingerprint: visitor.fingerprint,
          session_id: `${visitor.fingerprint.slice(0, 8)}-${day}`,
          user_id: visitor.user,
          community_id: community,
          division_id: visitor.division,
        };
        yield `${JSON.stringify(beacon)}\n`;
        at += (0.3 + 4 * random()) * MINUTE;
      }
    }
  }
}

/** Who came lately is likelier to come again. */
function pastVisitor(known: readonly Visitor[], random: () => number): Visitor | undefined {
  return known[Math.floor(known.length * (1 - random() ** 2))];
}

function hourOf(random: () => number): number {
  let left = random() * BY_HOUR.reduce((sum, weight) => sum + weight, 0);
  const hour = BY_HOUR.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return Math.max(0, hour);
}
