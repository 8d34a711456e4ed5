/** The last day, week and month, each against as many days before. */
import { memo } from 'react';
import type { Growth } from '../../contract/query.ts';
import { count } from '../format.ts';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { useInView } from '../hooks/use-in-view.ts';
import { Answer } from './answer.tsx';
import { Bars } from './bars.tsx';
import { Frame } from './frame.tsx';
import { Change } from './visitor-stats-card.tsx';

const PERIODS = [
  { period: 'day', current: 'Today', previous: 'Yesterday' },
  { period: 'week', current: 'Last 7 days', previous: '7 days before' },
  { period: 'month', current: 'Last 30 days', previous: '30 days before' },
] as const;
type Period = (typeof PERIODS)[number];

const TRENDS: Readonly<Record<Growth['trend'], string>> = {
  increasing: 'Growing',
  decreasing: 'Shrinking',
  stable: 'Stable',
};

interface GrowthPanelProps {
  everyMs: number | undefined;
  note: string | undefined;
}

export const GrowthPanel = memo(function GrowthPanel({ everyMs, note }: GrowthPanelProps) {
  const [target, seen] = useInView<HTMLElement>();
  return (
    <Frame
      title="Growth"
      help="Visitors of the last day, 7 and 30 days, with today as far as it has come, against as many days before. Less than 1 % either way is stable; after days without visitors any are 100 % more. It does not follow the days chosen above."
      note={note}
      target={target}
    >
      {PERIODS.map((period) => (
        <Row key={period.period} period={period} enabled={seen} everyMs={everyMs} />
      ))}
    </Frame>
  );
});

interface RowProps {
  period: Period;
  enabled: boolean;
  everyMs: number | undefined;
}

function Row({ period: { period, current, previous }, enabled, everyMs }: RowProps) {
  const answer = useAnalyticsQuery('growth', { period }, { enabled, everyMs });
  return (
    <div>
      <Answer answer={answer}>
        {({ growth_rate, trend, current_period, previous_period }) => (
          <>
            <h3 className="ff-growth">
              {TRENDS[trend]} <Change percent={growth_rate} comparedWith={previous.toLowerCase()} />
            </h3>
            <Bars
              label={`${current}: ${count(current_period)} visitors`}
              bars={[
                { key: 'current', name: current, value: current_period },
                { key: 'previous', name: previous, value: previous_period },
              ]}
            />
          </>
        )}
      </Answer>
    </div>
  );
}
