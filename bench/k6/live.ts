/** Pages of admins stay open, a socket each, while visitors come and go. */
import type { Options as K6Options } from 'k6/options';
import { fewOf, steady } from './arrivals.ts';
import { readOptions } from './options.ts';
import { readPlatform } from './platform.ts';
import { COMMON_OPTIONS, summary } from './report/summary.ts';
import { BEACON, pages } from './sending.ts';
import { openPages, watchers } from './watching.ts';

const given = readOptions(__ENV, { rate: 20, duration: '1m', needsToken: true, watchers: 40 });
const { rate, durationS } = given;

export const options: K6Options = {
  ...COMMON_OPTIONS,
  scenarios: {
    open: openPages('watch', given),
    visitors: steady({ exec: 'visit', rate, durationS }),
  },
  thresholds: {
    sockets_lost: ['rate==0'],
    socket_first_message: ['p(95)<2000'],
    socket_pong: ['p(95)<1000'],
    // By the clocks of both machines, where there are two: keep them by NTP.
    socket_join_delay: ['p(95)<3000'],
    socket_joins: ['count>0'],
    socket_counts: ['count>0'],
    [`http_req_failed{name:${BEACON}}`]: ['rate<0.001'],
    dropped_iterations: [`count<=${fewOf(rate * durationS)}`],
    checks: ['rate>0.999'],
  },
};

export const setup = () => readPlatform(given);
export const watch = watchers(given);
export const visit = pages(given);
export const handleSummary = summary('live', given);
