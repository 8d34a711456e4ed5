/** All at once: visitors at `RATE`, a look of an admin for each 25 of their sends, and pages that stay open. */
import type { Options as K6Options } from 'k6/options';
import { fewOf, steady } from './arrivals.ts';
import { admins, type Office, openOffice } from './asking.ts';
import { QUESTION_NAMES } from './looks.ts';
import { readOptions } from './options.ts';
import { COMMON_OPTIONS, summary } from './report/summary.ts';
import { BEACON, pages } from './sending.ts';
import { openPages, watchers } from './watching.ts';

const SENDS_A_LOOK = 25;
const given = readOptions(__ENV, { rate: 50, duration: '2m', needsToken: true, watchers: 20 });
const { rate, durationS } = given;
const looks = Math.max(1, Math.round(rate / SENDS_A_LOOK));

export const options: K6Options = {
  ...COMMON_OPTIONS,
  scenarios: {
    open: openPages('watch', given),
    visitors: steady({ exec: 'visit', rate, durationS }),
    admins: steady({ exec: 'look', rate: looks, durationS }),
  },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    [`http_req_duration{name:${BEACON}}`]: ['p(95)<300', 'p(99)<1500'],
    beacons_refused: ['rate==0'],
    beacons_refused_without_retry_after: ['rate==0'],
    ...Object.fromEntries(QUESTION_NAMES.map((name) => [`http_req_duration{name:${name}}`, ['p(95)<2500']])),
    look_duration: ['p(95)<5000'],
    questions_refused_without_retry_after: ['rate==0'],
    sockets_lost: ['rate==0'],
    socket_first_message: ['p(95)<3000'],
    socket_join_delay: ['p(95)<5000'],
    dropped_iterations: [`count<=${fewOf((rate + looks) * durationS)}`],
    checks: ['rate>0.999'],
  },
};

const send = pages(given);
const open = watchers(given);

export const setup = () => openOffice(given);
export const visit = ({ platform }: Office) => send(platform);
export const watch = ({ platform }: Office) => open(platform);
export const look = admins(given);
export const handleSummary = summary('mixed', given);
