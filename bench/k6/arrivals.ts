/** Load that comes whether or not it is answered: an open model, as pages and people are. */
import type { Scenario } from 'k6/options';

/** Answers that take longer than this need more virtual users than are there at the beginning. */
const USUAL_ANSWER_S = 0.25;
/** Beyond this what was to be sent is dropped, and counted so. */
const LONGEST_ANSWER_S = 4;
/** Of a scenario. */
export const MOST_VUS = 5_000;

interface Arrivals {
  /** Name of the exported function. */
  exec: string;
  /** A second. */
  rate: number;
  durationS: number;
  /** After the beginning of the run. */
  startS?: number;
}

export function steady({ exec, rate, durationS, startS = 0 }: Arrivals): Scenario {
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate,
    timeUnit: '1s',
    duration: `${durationS}s`,
    startTime: `${startS}s`,
    ...usersFor(rate),
  };
}

/** From a tenth of the rate to all of it. */
export function ramp({ exec, rate, durationS, startS = 0 }: Arrivals): Scenario {
  return {
    executor: 'ramping-arrival-rate',
    exec,
    startRate: Math.ceil(rate / 10),
    timeUnit: '1s',
    stages: [{ duration: `${durationS}s`, target: rate }],
    startTime: `${startS}s`,
    ...usersFor(rate),
  };
}

/** One of a hundred iterations, and never none: the first second of a run is that of a cold system. */
export function fewOf(iterations: number): number {
  return Math.max(1, Math.ceil(iterations / 100));
}

function usersFor(rate: number) {
  return {
    preAllocatedVUs: Math.min(MOST_VUS, Math.ceil(rate * USUAL_ANSWER_S) + 5),
    maxVUs: Math.min(MOST_VUS, Math.ceil(rate * LONGEST_ANSWER_S) + 10),
  };
}
