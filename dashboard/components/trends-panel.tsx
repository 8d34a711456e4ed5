/** Visitors over the range, by the interval, the view and the shape that the reader chooses. */
import { memo, useState } from 'react';
import type { Interval } from '../../contract/query.ts';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { type DayRange, intervalFor, intervalsFor, periodBefore, placeParams } from '../range.ts';
import { Panel } from './panel.tsx';
import { Segments } from './segments.tsx';
import { type TrendsView, VisitorTrendsChart } from './visitor-trends-chart.tsx';

interface TrendsPanelProps {
  range: DayRange;
  communityId: string | undefined;
  divisionId: string | undefined;
  interval: Interval | undefined;
  onInterval(interval: Interval): void;
  compare: boolean;
  timeZone: string;
  everyMs: number | undefined;
}

const TITLES: Readonly<Record<Interval, string>> = { hour: 'Hour', day: 'Day', week: 'Week', month: 'Month' };
const VIEWS = [
  { value: 'visitors', title: 'Visitors' },
  { value: 'loyalty', title: 'New' },
] as const;
const SHAPES = [
  { value: 'line', title: 'Line' },
  { value: 'bar', title: 'Bars' },
] as const;

export const TrendsPanel = memo(function TrendsPanel(props: TrendsPanelProps) {
  const { range, communityId, divisionId, compare, timeZone, everyMs } = props;
  const [view, setView] = useState<TrendsView>('visitors');
  const [shape, setShape] = useState<'line' | 'bar'>('line');
  // Hours are not counted by division.
  const hoursAllowed = divisionId === undefined;
  const interval = intervalFor(range, props.interval, hoursAllowed);
  const place = { interval, ...placeParams(communityId, divisionId) };
  const previous = useAnalyticsQuery(
    'trends',
    { ...periodBefore(range), ...place },
    { enabled: compare && view === 'visitors', everyMs },
  );
  return (
    <Panel
      title="Visitors over time"
      help="Different visitors of each hour, day, week or month, so the buckets of a range add up to more than its visitors. New ones had never come before the bucket; returning are all others."
      query="trends"
      params={{ ...range, ...place }}
      everyMs={everyMs}
      className="ff-trends"
      isEmpty={({ total }) => !total.some((visitors) => visitors > 0)}
      actions={
        <>
          <Segments label="What is shown" options={VIEWS} value={view} onChange={setView} />
          <Segments
            label="Interval"
            options={intervalsFor(range, hoursAllowed).map((value) => ({ value, title: TITLES[value] }))}
            value={interval}
            onChange={props.onInterval}
          />
          <Segments label="Shape" options={SHAPES} value={shape} onChange={setShape} />
        </>
      }
    >
      {(trends) => (
        <VisitorTrendsChart
          data={trends}
          type={shape}
          view={view}
          timeZone={timeZone}
          unfinished={everyMs !== undefined}
          previous={compare && !previous.isPlaceholderData ? previous.data : undefined}
        />
      )}
    </Panel>
  );
});
