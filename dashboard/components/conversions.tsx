/** Anonymous visitors who signed in: how many, how soon, on which days. */
import { memo, useMemo } from 'react';
import type { Conversions } from '../../contract/query.ts';
import { daysBetween } from '../../contract/reporting-day.ts';
import { LazyChart } from '../charts/lazy-chart.tsx';
import type { Series } from '../charts/time-chart.tsx';
import { count, duration, percent, shortDay } from '../format.ts';
import type { DayRange } from '../range.ts';
import { Panel } from './panel.tsx';
import type { PlacesProps } from './places.tsx';

export const ConversionsPanel = memo(function ConversionsPanel({ range, everyMs, note }: PlacesProps) {
  return (
    <Panel
      title="Conversions"
      help="Visitors who were first seen without an account and signed in during these days, each once. The rate is of all sessions in these days that began anonymous; the time is the mean from first seen to signed in."
      query="conversions"
      params={range}
      everyMs={everyMs}
      note={note}
      isEmpty={({ total_conversions }) => total_conversions === 0}
      whenEmpty="Nobody who came anonymous has signed in during these days."
    >
      {(conversions) => <Curve {...{ conversions, range }} unfinished={everyMs !== undefined} />}
    </Panel>
  );
});

interface CurveProps {
  conversions: Conversions;
  range: DayRange;
  /** The last day is not over. */
  unfinished: boolean;
}

function Curve({ conversions, range, unfinished }: CurveProps) {
  const { total_conversions, conversion_rate, avg_time_to_conversion, conversions_by_date } = conversions;
  const days = useMemo(() => daysBetween(range.start_date, range.end_date), [range]);
  const labels = useMemo(() => days.map(shortDay), [days]);
  const series = useMemo(
    (): Series[] => [
      {
        name: 'Conversions',
        color: 'known',
        counts: days.map((day) => conversions_by_date[day] ?? 0),
        area: true,
        unfinished,
      },
    ],
    [days, conversions_by_date, unfinished],
  );
  const most = Math.max(0, ...Object.values(conversions_by_date));
  return (
    <>
      <dl className="ff-pair ff-three">
        <div>
          <dt>Conversions</dt>
          <dd>{count(total_conversions)}</dd>
        </div>
        <div>
          <dt>Rate</dt>
          <dd>{percent(conversion_rate)}</dd>
        </div>
        <div>
          <dt>Mean time</dt>
          <dd>{duration(avg_time_to_conversion)}</dd>
        </div>
      </dl>
      <LazyChart
        type="line"
        labels={labels}
        series={series}
        summary={`Conversions by day, ${count(most)} on the best`}
      />
    </>
  );
}
