/**
 * What does a deployment need for `RATE` events a second (1,000,000)? Worked out from the results that are kept and from the bytes of
 * an event on its way, which are measured here. What of it is a measurement and what an assumption stands in the result.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { eventLine } from '../ingest/event-line.ts';
import { eventMaker } from '../ingest/event-of.ts';
import { parseBeacons } from '../ingest/validation.ts';
import { requestsOf } from './load/requests.ts';
import { keep, resultFile } from './result.ts';
import { planFor, tableOf } from './sizing/plan.ts';

const RATE = Number(process.env.RATE ?? 1_000_000);
const REQUESTS = 2_000;
/** About as many lines as a frame of 64 KiB has. */
const FRAME_LINES = 130;

const read = (name: string) => JSON.parse(readFileSync(resultFile(`${name}.json`), 'utf8'));
const [ingest, endToEnd, ranges, presence] = ['ingest', 'end-to-end', 'ranges-100m', 'presence'].map(read);
const measured = {
  ...bytesOnTheWay(),
  singlesACore: ingest.measured['single beacons'].beaconsASecond.footfall,
  ofArraysACore: ingest.measured['arrays of 50'].beaconsASecond.footfall,
  pipelineMicroseconds: endToEnd.processorSecondsPerThousandEvents.pipeline * 1_000,
  postgresMicroseconds: endToEnd.processorSecondsPerThousandEvents.postgres * 1_000,
  rawBytes: ranges.raw.bytesPerEvent,
  rangeBytesAVisitor: (ranges.returnIntervals.bytes + ranges.lastSeen.bytes) / ranges.distinct.visitors,
  changesACoreOfRedis: presence.redis.atRate.changesASecond / presence.redis.atRate.coresOfRedis,
};
const plan = planFor(RATE, measured);
console.log(tableOf(plan));
keep('sizing', {
  question: `what ${RATE} events a second need`,
  configuration:
    'worked out from ingest.json, end-to-end.json, ranges-100m.json and presence.json, each with the machine it was measured on; nothing of this size was run',
  ratios: {},
  measured,
  plan,
});

/** Of a single beacon as a browser sends it, and of its line in the log. */
function bytesOnTheWay() {
  const requests = requestsOf({ seed: 1, requests: REQUESTS, beacons: 1, visitors: REQUESTS });
  const toEvent = eventMaker();
  const key = { secret: 'a secret for a measurement of bytes', hidesIds: false };
  const lines = requests.map((request) => {
    const parsed = parseBeacons(request.subarray(request.indexOf('\r\n\r\n') + 4));
    if ('rejection' in parsed) throw new Error(parsed.rejection.message);
    const [beacon] = parsed.beacons;
    if (beacon === undefined) throw new Error('a request without a beacon');
    const browser = { browser: 'Chrome', os: 'Windows', device: 'desktop' };
    return eventLine(toEvent(beacon, key, Date.now(), 'NO', browser), parsed.verbatim);
  });
  const frames = Array.from({ length: Math.floor(REQUESTS / FRAME_LINES) }, (_, n) =>
    gzipSync(lines.slice(n * FRAME_LINES, (n + 1) * FRAME_LINES).join('')),
  );
  const sum = (values: readonly { length: number }[]) => values.reduce((all, { length }) => all + length, 0);
  return {
    requestBytes: Math.round(sum(requests) / REQUESTS),
    lineBytes: Math.round(sum(lines) / REQUESTS),
    zippedLineBytes: Math.round(sum(frames) / (frames.length * FRAME_LINES)),
  };
}
