/** The numbers of the range at a glance, each with its change against as many days before. */
import { memo } from 'react';
import type { VisitorStats } from '../../contract/query.ts';
import { oneDecimal, percent } from '../format.ts';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { changeOf, type DayRange, daysIn, periodBefore, placeParams } from '../range.ts';
import { Failure } from './answer.tsx';
import { VisitorStatsCard } from './visitor-stats-card.tsx';

interface StatsProps {
  range: DayRange;
  communityId: string | undefined;
  divisionId: string | undefined;
  compare: boolean;
  everyMs: number | undefined;
}

interface Card {
  of: keyof VisitorStats;
  title: string;
  help: string;
  format?: (value: number) => string;
  detail?(stats: VisitorStats): string;
}

const CARDS: readonly Card[] = [
  {
    of: 'total_visitors',
    title: 'Visitors',
    help: 'Different browsers with any event in these days, each once however often it came. Exact, not estimated.',
  },
  {
    of: 'authenticated_visitors',
    title: 'Signed in',
    help: 'Visitors with at least one event in these days that says who they are.',
    detail: ({ conversion_rate }) => `${percent(conversion_rate)} of all`,
  },
  {
    of: 'anonymous_visitors',
    title: 'Anonymous',
    help: 'Visitors who were never signed in during these days: all visitors without those signed in.',
  },
  {
    of: 'total_page_views',
    title: 'Page views',
    help: 'Pages that were loaded or navigated to. Bots, prefetches, and browsers that ask not to be tracked are left out.',
  },
  {
    of: 'avg_page_views_per_visitor',
    title: 'Views per visitor',
    help: 'Page views divided by visitors.',
    format: oneDecimal,
  },
];

export const Stats = memo(function Stats({ range, communityId, divisionId, compare, everyMs }: StatsProps) {
  const place = placeParams(communityId, divisionId);
  const now = useAnalyticsQuery('visitors', { ...range, ...place }, { everyMs });
  const before = useAnalyticsQuery(
    'visitors',
    { ...periodBefore(range), ...place },
    { enabled: compare, everyMs },
  );
  const days = daysIn(range);
  const comparedWith = days === 1 ? 'the day before' : `the ${days} days before`;
  return (
    <section className="ff-cards" aria-label="At a glance" aria-busy={now.isPending || now.isPlaceholderData}>
      {CARDS.map(({ of, title, help, format, detail }) => (
        <VisitorStatsCard
          key={of}
          title={title}
          help={help}
          value={now.data?.[of]}
          change={
            compare && now.data && !before.isPlaceholderData
              ? changeOf(now.data[of], before.data?.[of])
              : undefined
          }
          comparedWith={comparedWith}
          detail={now.data && detail?.(now.data)}
          {...(format !== undefined && { format })}
        />
      ))}
      {now.error !== null && <Failure error={now.error} retry={() => void now.refetch()} />}
    </section>
  );
});
