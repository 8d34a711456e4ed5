/** The whole dashboard: filters, health, and a panel a question. */
import { useEffect, useState } from 'react';
import { useAuth } from '../auth/use-auth.ts';
import { days } from '../format.ts';
import { WithAnalytics } from '../hooks/analytics-context.tsx';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { useDebounced } from '../hooks/use-debounced.ts';
import { useFilters } from '../hooks/use-filters.ts';
import { useLiveVisitors } from '../hooks/use-live-visitors.ts';
import { placeParams, rangeOf } from '../range.ts';
import type { ResultOf } from '../services/queries.ts';
import { Failure } from './answer.tsx';
import { ConversionsPanel } from './conversions.tsx';
import { ExportButtons } from './export-buttons.tsx';
import { FilterBar } from './filter-bar.tsx';
import { GrowthPanel } from './growth.tsx';
import { HealthStrip } from './health-strip.tsx';
import { CommunityVisitors, Demographics, Divisions } from './places.tsx';
import { LivePanel } from './realtime-visitor-counter.tsx';
import { RetentionTable } from './retention-table.tsx';
import { Stats } from './stats.tsx';
import { TopPages } from './top-pages.tsx';
import { TrendsPanel } from './trends-panel.tsx';

const DEBOUNCE_MS = 250;
/** Of what has today in it. */
const EVERY_MS = 120_000;
const SETTINGS_EVERY_MS = 300_000;

export type Theme = 'system' | 'light' | 'dark';

export interface VisitorAnalyticsDashboardProps {
  /** Default: what the reader's system says. */
  theme?: Theme;
  /** The chosen days and places stand in the address of the page, so that it can be sent to others. Default: no. */
  inAddress?: boolean;
}

export function VisitorAnalyticsDashboard({
  theme = 'system',
  inAddress = false,
}: VisitorAnalyticsDashboardProps) {
  return (
    <WithAnalytics>
      <div className="ff" data-theme={theme}>
        <WithSettings inAddress={inAddress} />
      </div>
    </WithAnalytics>
  );
}

function WithSettings({ inAddress }: { inAddress: boolean }) {
  const { data, error, refetch } = useAnalyticsQuery('settings', {}, { everyMs: SETTINGS_EVERY_MS });
  if (data !== undefined) return <Panels settings={data} inAddress={inAddress} />;
  if (error === null)
    return (
      <p className="ff-loading" role="status">
        Loading…
      </p>
    );
  return <Failure error={error} retry={() => void refetch()} />;
}

interface PanelsProps {
  settings: ResultOf<'settings'>;
  inAddress: boolean;
}

function Panels({ settings, inAddress }: PanelsProps) {
  const { time_zone: timeZone, today } = settings;
  const { user } = useAuth();
  const [filters, change] = useFilters(inAddress);
  const settled = useDebounced(filters, DEBOUNCE_MS);
  const { communityId, divisionId, compare } = settled;
  const range = useStable(rangeOf(settled.choice, today));
  const live = useLiveVisitors(communityId);
  useTitle(live.online);

  const everyMs = range.end_date >= today ? EVERY_MS : undefined;
  const filtered = communityId !== undefined || divisionId !== undefined;
  const note = filtered ? 'whole platform' : undefined;
  const place = placeParams(communityId, divisionId);
  return (
    <>
      {user?.is_staff !== false && <HealthStrip timeZone={timeZone} today={today} />}
      <FilterBar filters={filters} today={today} onChange={change} />
      <div className="ff-range">
        <p>
          <strong>{days(range.start_date, range.end_date)}</strong>, days of {timeZone}
          {settings.ranges_count === 'visitor_days' &&
            '. Visitors cannot be told from one day to the next here: who came on several days counts on each'}
        </p>
        <ExportButtons params={{ ...range, ...place }} />
      </div>
      <Stats {...{ range, communityId, divisionId, compare, everyMs }} />
      <div className="ff-grid">
        <TrendsPanel
          {...{ range, communityId, divisionId, compare, timeZone, everyMs }}
          interval={filters.interval}
          onInterval={(interval) => change({ interval })}
        />
        <LivePanel live={live} communityId={communityId} timeZone={timeZone} />
        <Divisions {...{ range, everyMs, note }} />
        <Demographics {...{ range, everyMs, note }} />
        {communityId === undefined ? (
          <GrowthPanel {...{ everyMs, note }} />
        ) : (
          <CommunityVisitors {...{ range, everyMs, communityId }} />
        )}
        <TopPages {...{ range, everyMs, note }} />
        <ConversionsPanel {...{ range, everyMs, note }} />
        {communityId !== undefined && <GrowthPanel {...{ everyMs, note }} />}
        <RetentionTable {...{ range, everyMs, note }} />
      </div>
    </>
  );
}

/** The same object as long as it says the same, so that panels that show it are not drawn again. */
function useStable<Value extends object>(value: Value): Value {
  const [stable, setStable] = useState(value);
  if (JSON.stringify(stable) === JSON.stringify(value)) return stable;
  setStable(value);
  return value;
}

function useTitle(online: number | undefined): void {
  useEffect(() => {
    if (online !== undefined) document.title = `${online} online · Footfall`;
  }, [online]);
}
