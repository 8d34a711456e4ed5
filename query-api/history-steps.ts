/** The steps of the series of visitors online: minutes put together, so that there are few enough points. */
import { MAX_HISTORY_POINTS, STEP_MINUTES } from '../contract/query.ts';

const MINUTE = 60_000;

export interface HistorySteps {
  step_minutes: number;
  /** Where each begins, in order. */
  steps: number[];
  /** The minutes in [from, to) are theirs. Instants are ms since the epoch. */
  from: number;
  to: number;
}

/** The last `minutes` complete minutes, the last step whole; the first has fewer where they do not come out even. */
export function historySteps(minutes: number, now: number): HistorySteps {
  const step_minutes = STEP_MINUTES.find((step) => minutes <= step * MAX_HISTORY_POINTS) ?? 60;
  const to = now - (now % MINUTE);
  const count = Math.ceil(minutes / step_minutes);
  const steps = Array.from({ length: count }, (_, n) => to - (count - n) * step_minutes * MINUTE);
  return { step_minutes, steps, from: to - minutes * MINUTE, to };
}
