/** Whether the numbers can be believed at this moment: complete until when, what waits, what was dropped and why. */
import { memo } from 'react';
import type { Ledger } from '../../contract/ledger.ts';
import { DROP_REASONS, type DropReason } from '../../contract/outcome.ts';
import { count, duration, moment } from '../format.ts';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { Help } from './help.tsx';

const EVERY_MS = 30_000;
const LATE_AFTER_S = 60;

const DROPS: Readonly<Record<DropReason, { title: string; meaning: string }>> = {
  bot: { title: 'bots', meaning: 'Programs that say they are none of the visitors: crawlers, monitors.' },
  prefetch: { title: 'prefetched', meaning: 'Pages that a browser loaded in advance and nobody has seen.' },
  do_not_track: { title: 'Do Not Track', meaning: 'Browsers that ask not to be tracked.' },
  global_privacy_control: { title: 'Global Privacy Control', meaning: 'Browsers that say so by Sec-GPC.' },
};

interface HealthStripProps {
  timeZone: string;
  /** The day it is in the reporting zone. */
  today: string;
}

/** For staff: nobody else may ask. */
export const HealthStrip = memo(function HealthStrip({ timeZone, today }: HealthStripProps) {
  const { data, error } = useAnalyticsQuery(
    'pipeline',
    { start_date: today, end_date: today },
    { everyMs: EVERY_MS },
  );
  if (error !== null && data === undefined) {
    return (
      <aside className="ff-health" data-state="unknown" aria-label="Health">
        <span className="ff-health-state">The state of the pipeline is not known: {error.message}.</span>
      </aside>
    );
  }
  if (data === undefined)
    return <aside className="ff-health" data-state="unknown" aria-label="Health" aria-busy />;
  const state = stateOf(data);
  return (
    <aside className="ff-health" data-state={state.name} aria-label="Health">
      <span className="ff-health-state">{state.words}</span>
      <span>
        Complete until{' '}
        <strong>
          {data.complete_until === null ? 'nothing yet' : moment(data.complete_until, timeZone, Date.now())}
        </strong>{' '}
        <Help about="Complete until">
          Whatever collectors received before this instant is in every number here, but for what waits in a
          spool.
        </Help>
      </span>
      <span>
        {waiting(data)}{' '}
        <Help about="Waiting">
          Frames of events that the log has and that are not counted yet, and those that wait on a collector's
          disk for the log.
        </Help>
      </span>
      <Drops ledger={data} />
      <span className="ff-health-zone">Days are those of {timeZone}</span>
    </aside>
  );
});

function stateOf(ledger: Ledger): { name: 'good' | 'late' | 'bad'; words: string } {
  const behindS =
    ledger.complete_until === null ? 0 : (Date.now() - Date.parse(ledger.complete_until)) / 1_000;
  if (behindS > LATE_AFTER_S) return { name: 'late', words: `Behind by ${duration(behindS)}` };
  if (ledger.balanced) return { name: 'good', words: 'Every event accounted for' };
  // What is being written while one looks stands in one store and not in the other yet.
  if (framesWaiting(ledger) > 0) return { name: 'late', words: 'Catching up' };
  return { name: 'bad', words: 'Out of balance: run footfall verify' };
}

const framesWaiting = ({ partitions }: Ledger): number =>
  partitions.reduce((sum, { lag_frames }) => sum + lag_frames, 0);

function waiting(ledger: Ledger): string {
  const frames = framesWaiting(ledger);
  const spooled = (ledger.spools ?? []).reduce((sum, spool) => sum + spool.frames, 0);
  const inSpools = spooled === 0 ? '' : `, ${count(spooled)} in spools`;
  return `${frames === 0 ? 'Nothing' : count(frames)} waiting${inSpools}`;
}

/** Of today: by policy, and what could not be read. */
function Drops({ ledger }: { ledger: Ledger }) {
  const dropped = DROP_REASONS.map((reason) => ({
    ...DROPS[reason],
    reason,
    total: ledger.hours.reduce((sum, hour) => sum + (hour.dropped[reason] ?? 0), 0),
  }));
  const repeats = ledger.hours.reduce((sum, { duplicate }) => sum + duplicate, 0);
  const all = dropped.reduce((sum, { total }) => sum + total, 0);
  return (
    <details className="ff-drops">
      <summary>
        {all === 0 ? 'Nothing' : count(all)} dropped today
        {ledger.dead_letters > 0 && <strong>, {count(ledger.dead_letters)} unreadable</strong>}
      </summary>
      <dl>
        {dropped.map(({ reason, title, meaning, total }) => (
          <div key={reason}>
            <dt>{title}</dt>
            <dd>{count(total)}</dd>
            <dd>{meaning}</dd>
          </div>
        ))}
        <div>
          <dt>repeats</dt>
          <dd>{count(repeats)}</dd>
          <dd>Sent again by a browser that had no answer; counted once.</dd>
        </div>
        <div>
          <dt>unreadable</dt>
          <dd>{count(ledger.dead_letters)}</dd>
          <dd>Kept as dead letters, of all days.</dd>
        </div>
      </dl>
    </details>
  );
}
