/** The conservation ledger: what was received, hour by hour and partition by partition, and where it is now. */
import Type, { type Static } from 'typebox';
import { DROP_REASONS } from './outcome.ts';

const Count = Type.Integer({ minimum: 0 });
const Instant = Type.String({ format: 'date-time' });

/** Days that one answer covers at most. */
export const MAX_LEDGER_DAYS = 31;

const LedgerHour = Type.Object({
  hour: Instant,
  partition: Count,
  accepted: Type.Integer({ minimum: 0, description: 'events that the log holds and the pipeline has read' }),
  duplicate: Type.Integer({ minimum: 0, description: 'of these, repeats of another one' }),
  undecodable: Type.Integer({ minimum: 0, description: 'of these, in the dead letters' }),
  erased: Type.Integer({ minimum: 0, description: 'of these, events of visitors whose data was erased' }),
  stored: Type.Integer({ minimum: 0, description: 'rows of raw events' }),
  in_views: Type.Integer({ minimum: 0, description: 'events that the derived tables were made of' }),
  dropped: Type.Record(Type.Enum([...DROP_REASONS]), Count, {
    description: 'beacons that collectors dropped by policy; the partition is that of their count',
  }),
});
export type LedgerHour = Static<typeof LedgerHour>;

const LedgerPartition = Type.Object({
  partition: Count,
  log_end: Type.Integer({ description: 'offset after the last frame of the log' }),
  counted: Type.Integer({ description: 'offset of the first frame that is not counted' }),
  lag_frames: Count,
  received_until: Type.Union([Instant, Type.Null()], { description: 'latest receipt that is counted' }),
});

export const CollectorSpool = Type.Object({
  collector: Type.String(),
  state: Type.String({ description: 'direct, spooling or replaying' }),
  frames: Count,
  bytes: Count,
});
export type CollectorSpool = Static<typeof CollectorSpool>;

export const Ledger = Type.Object({
  balanced: Type.Boolean({
    description:
      'accepted = stored + duplicate + undecodable + erased, and in_views = stored, in every hour and partition',
  }),
  another_log: Type.Union([Type.String(), Type.Null()], {
    description:
      'why the log is not the one that the stores have counted: nothing more counts until that is brought back; null when it is',
  }),
  complete_until: Type.Union([Instant, Type.Null()], {
    description:
      'whatever was received before, by the clocks of the collectors, is counted, but for what is in a spool',
  }),
  newest_event: Type.Union([Instant, Type.Null()], { description: 'latest receipt that is counted' }),
  newest_event_age_seconds: Type.Union([Type.Number(), Type.Null()]),
  dead_letters: Type.Integer({
    description: 'lines that are kept since nobody could read them, at most 100,000',
  }),
  spools: Type.Union([Type.Array(CollectorSpool), Type.Null()], {
    description: 'of the collectors that have told in the last minute; null when the live store is away',
  }),
  partitions: Type.Array(LedgerPartition),
  hours: Type.Array(LedgerHour),
});
export type Ledger = Static<typeof Ledger>;

/**
 * Whatever was received before this instant, by the clocks of the collectors, is counted; 0 where nothing can be said.
 * Of partitions that are behind it is the latest receipt that is counted, and `now` where none is.
 */
export function completeUntil(
  lag: readonly { partition: number; committed: number; end: number }[],
  progress: readonly { partition: number; receivedUntil: number | null }[],
  now: number,
): number {
  const receivedUntil = new Map(progress.map((each) => [each.partition, each.receivedUntil]));
  const behind = lag.filter(({ committed, end }) => committed < end);
  return Math.min(now, ...behind.map(({ partition }) => receivedUntil.get(partition) ?? 0));
}
