/** The same load for long, while `/metrics` is read; in the end everything that was accepted has to be counted. */
import type { Options as K6Options } from 'k6/options';
import { fewOf, steady } from './arrivals.ts';
import { readOptions } from './options.ts';
import { readPlatform } from './platform.ts';
import { COMMON_OPTIONS, summary } from './report/summary.ts';
import { BEACON, pages } from './sending.ts';
import { catchingUp, type Readings, readBefore, reader, reading, settle } from './system.ts';
import type { Platform } from './visitors.ts';

const given = readOptions(__ENV, { rate: 50, duration: '30m' });
const { rate, durationS } = given;
/** Below which caches and heaps are still being filled, and growth says nothing. */
const LONG_ENOUGH_S = 600;
/** What may wait: frames of so many seconds. */
const MOST_LAG_S = 10;

export const options: K6Options = {
  ...COMMON_OPTIONS,
  scenarios: {
    visitors: steady({ exec: 'visit', rate, durationS }),
    metrics: reading('read', durationS),
    end: catchingUp('catchUp', durationS + 1),
  },
  thresholds: {
    [`http_req_failed{name:${BEACON}}`]: ['rate<0.0001'],
    [`http_req_duration{name:${BEACON}}`]: ['p(95)<200', 'p(99)<1000'],
    beacons_refused: ['rate==0'],
    beacons_refused_without_retry_after: ['rate==0'],
    // A frame has at least one beacon.
    system_lag_frames: [`p(95)<${MOST_LAG_S * rate}`],
    system_caught_up: ['max<30000'],
    system_events_missing: ['value==0'],
    ...(durationS >= LONG_ENOUGH_S ? { system_memory_growth_percent: ['value<25'] } : {}),
    dropped_iterations: [`count<=${fewOf(rate * durationS)}`],
    checks: ['rate>0.999'],
  },
};

interface Beginning {
  readonly platform: Platform;
  readonly before: Readings;
}

const send = pages(given);
const finish = settle(given);

export const setup = (): Beginning => ({ platform: readPlatform(given), before: readBefore(given) });
export const visit = ({ platform }: Beginning) => send(platform);
export const read = reader(given);
export const catchUp = ({ before }: Beginning) => finish(before);
export const handleSummary = summary('soak', given);
