/** A third of the run as usual, a third with `SPIKE` times as many beacons at once, and a pause later a third as usual. */
import type { Options as K6Options } from 'k6/options';
import { fewOf, steady } from './arrivals.ts';
import { readOptions } from './options.ts';
import { readPlatform } from './platform.ts';
import { COMMON_OPTIONS, summary } from './report/summary.ts';
import { pages } from './sending.ts';

const given = readOptions(__ENV, { rate: 50, duration: '90s' });
const { rate, spike, durationS } = given;
const thirdS = Math.max(1, Math.floor(durationS / 3));
/** What it has to be over the spike. */
const recoveryS = Math.max(2, Math.ceil(thirdS / 6));

export const options: K6Options = {
  ...COMMON_OPTIONS,
  scenarios: {
    usual: steady({ exec: 'visit', rate, durationS: thirdS }),
    spike: steady({ exec: 'visit', rate: rate * spike, durationS: thirdS, startS: thirdS }),
    after: steady({ exec: 'visit', rate, durationS: thirdS, startS: 2 * thirdS + recoveryS }),
  },
  thresholds: {
    'http_req_duration{scenario:usual}': ['p(99)<1000'],
    // Refused is allowed, lost is not, nor to be refused without a word about when to come again.
    'http_req_failed{scenario:spike}': ['rate<0.01'],
    'http_req_duration{scenario:spike,status:202}': ['p(99)<3000'],
    'beacons_refused{scenario:usual}': ['rate==0'],
    'beacons_refused{scenario:spike}': ['rate<1'],
    'beacons_refused{scenario:after}': ['rate==0'],
    'http_req_duration{scenario:after}': ['p(99)<1000'],
    beacons_refused_without_retry_after: ['rate==0'],
    dropped_iterations: [`count<=${fewOf(rate * (spike + 2) * thirdS)}`],
    checks: ['rate>0.99'],
  },
};

export const setup = () => readPlatform(given);
export const visit = pages(given, true);
export const handleSummary = summary('spike', given);
