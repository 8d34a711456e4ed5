/** Admins come to work: dashboards, ranges, comparisons, exports, and who is online; each look is another one. */
import type { Options as K6Options } from 'k6/options';
import { fewOf, steady } from './arrivals.ts';
import { admins, openOffice } from './asking.ts';
import { QUESTION_NAMES } from './looks.ts';
import { readOptions } from './options.ts';
import { COMMON_OPTIONS, summary } from './report/summary.ts';

const given = readOptions(__ENV, { rate: 2, duration: '1m', needsToken: true });
const { rate, durationS } = given;

export const options: K6Options = {
  ...COMMON_OPTIONS,
  scenarios: { morning: steady({ exec: 'look', rate, durationS }) },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    // Each for itself, so that the report has a line of it.
    ...Object.fromEntries(QUESTION_NAMES.map((name) => [`http_req_duration{name:${name}}`, ['p(95)<1500']])),
    look_duration: ['p(95)<3000'],
    questions_refused_without_retry_after: ['rate==0'],
    dropped_iterations: [`count<=${fewOf(rate * durationS)}`],
    checks: ['rate>0.999'],
  },
};

export const setup = () => openOffice(given);
export const look = admins(given);
export const handleSummary = summary('query', given);
