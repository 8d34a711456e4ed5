/** Every bench: how it is run briefly, and which of its figures are ratios, so that they can be compared with those of another day. */

/** What a bench has written, as far as ratios are made of it. */
type Written = Record<string, unknown>;

export interface Bench {
  readonly name: string;
  /** File of its result, without the folder. */
  readonly result: string;
  /** For a run of a minute or two. */
  readonly brief: Readonly<Record<string, string>>;
  /** What has to be there beside `npm ci`; the bench is left out where it is not. */
  readonly needs?: string;
  /** More is better. */
  ratios(written: Written): Record<string, number>;
}

const ownRatios = ({ ratios }: Written) => ratios as Record<string, number>;

export const BENCHES: readonly Bench[] = [
  {
    name: 'ingest',
    result: 'ingest.json',
    brief: { ROUNDS: '1', SECONDS: '4', WARM_UP_SECONDS: '3' },
    needs: 'wrk',
    ratios: ownRatios,
  },
  {
    name: 'overload',
    result: 'overload.json',
    brief: { ROUNDS: '1', SECONDS: '6' },
    needs: 'wrk',
    ratios: ownRatios,
  },
  {
    name: 'hostile',
    result: 'hostile.json',
    brief: { ROUNDS: '1', SECONDS: '4' },
    needs: 'wrk',
    ratios: ownRatios,
  },
  { name: 'steady', result: 'steady.json', brief: { SECONDS: '20' }, needs: 'wrk', ratios: ownRatios },
  {
    name: 'scaling',
    result: 'scaling.json',
    brief: { ROUNDS: '1', SECONDS: '3' },
    needs: 'wrk',
    ratios: ownRatios,
  },
  {
    name: 'inserts',
    result: 'inserts.json',
    brief: { ROUNDS: '1', UNITS: '12' },
    ratios: ownRatios,
  },
  {
    name: 'retention',
    result: 'retention.json',
    brief: { ROUNDS: '1', SECONDS: '30', RETAINED_MB: '50' },
    ratios: ownRatios,
  },
  {
    name: 'live',
    result: 'live.json',
    brief: { SOCKETS: '1000', BEACONS: '500', ROUNDS: '1', SECONDS: '5' },
    ratios: ({ toJoined, controlFromSend }) => ({
      'median from a bare ws server, to ours from the 202': p50(controlFromSend) / p50(toJoined),
    }),
  },
  {
    name: 'ranges',
    result: 'ranges-10m.json',
    brief: { EVENTS: '10000000', ROUNDS: '5', CONTROL_ROUNDS: '1' },
    ratios: ({ comparisons }) =>
      Object.fromEntries(
        (comparisons as Comparison[])
          .filter(({ range, p50: { uniqExact } }) => range === 'year' && uniqExact !== undefined)
          .map(({ question, p50: { ours, uniqExact = Number.NaN } }) => [
            `${question} of a year, uniqExact to ours`,
            uniqExact / ours,
          ]),
      ),
  },
  {
    name: 'kafka',
    result: 'kafka-1.json',
    brief: { ROUNDS: '1' },
    needs: 'STACK_KAFKA',
    ratios: ({ log, producer }) => ({ "frames, to kafkajs' producer": Number(log) / Number(producer) }),
  },
];

interface Comparison {
  question: string;
  range: string;
  p50: { ours: number; uniqExact?: number };
}

function p50(spread: unknown): number {
  return (spread as { p50: number }).p50;
}
