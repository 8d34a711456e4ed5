/** A quarter of the run the rate grows, then it stays: pages send, and every beacon has to be acknowledged, soon. */
import type { Options as K6Options } from 'k6/options';
import { fewOf, ramp, steady } from './arrivals.ts';
import { readOptions } from './options.ts';
import { readPlatform } from './platform.ts';
import { COMMON_OPTIONS, summary } from './report/summary.ts';
import { BEACON, pages } from './sending.ts';

const given = readOptions(__ENV, { rate: 100, duration: '1m' });
const { rate, durationS } = given;
const rampS = Math.ceil(durationS / 4);

export const options: K6Options = {
  ...COMMON_OPTIONS,
  scenarios: {
    growing: ramp({ exec: 'visit', rate, durationS: rampS }),
    steady: steady({ exec: 'visit', rate, durationS: Math.max(1, durationS - rampS), startS: rampS }),
  },
  thresholds: {
    [`http_req_failed{name:${BEACON}}`]: ['rate<0.001'],
    [`http_req_duration{name:${BEACON}}`]: ['p(95)<200', 'p(99)<1000'],
    beacons_refused: ['rate==0'],
    beacons_refused_without_retry_after: ['rate==0'],
    beacons_acknowledged: ['count>0'],
    dropped_iterations: [`count<=${fewOf(rate * durationS)}`],
    checks: ['rate>0.999'],
  },
};

export const setup = () => readPlatform(given);
export const visit = pages(given);
export const handleSummary = summary('ingest', given);
