/** Who is online now, how it went in the last hours, and who comes and goes. */
import { memo, useMemo, useState } from 'react';
import type { RealtimeHistory } from '../../contract/query.ts';
import { LazyChart } from '../charts/lazy-chart.tsx';
import type { Series } from '../charts/time-chart.tsx';
import { clock, clockWithSeconds, count, dayAndClock } from '../format.ts';
import { WithAnalytics } from '../hooks/analytics-context.tsx';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { type LiveEvent, type LiveVisitors, useLiveVisitors } from '../hooks/use-live-visitors.ts';
import { placeParams } from '../range.ts';
import { Frame } from './frame.tsx';
import { Help } from './help.tsx';
import { Segments } from './segments.tsx';

const MINUTE_MS = 60_000;
const SPANS = [
  { value: '60', title: '1 h' },
  { value: '1440', title: '24 h' },
  { value: '10080', title: '7 d' },
] as const;
type Span = (typeof SPANS)[number]['value'];

export interface RealtimeVisitorCounterProps {
  /** Only of this community. */
  communityId?: string | undefined;
  /** Of the instants that are shown. Default: the reader's own. */
  timeZone?: string;
}

export function RealtimeVisitorCounter(props: RealtimeVisitorCounterProps) {
  return (
    <WithAnalytics>
      <Connected {...props} />
    </WithAnalytics>
  );
}

function Connected({ communityId, timeZone = HERE }: RealtimeVisitorCounterProps) {
  const live = useLiveVisitors(communityId);
  return <LivePanel live={live} communityId={communityId} timeZone={timeZone} />;
}

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

interface LivePanelProps {
  live: LiveVisitors;
  communityId: string | undefined;
  timeZone: string;
}

export function LivePanel({ live, communityId, timeZone }: LivePanelProps) {
  const [span, setSpan] = useState<Span>('60');
  const history = useAnalyticsQuery(
    'realtimeHistory',
    { minutes: Number(span), ...placeParams(communityId) },
    { everyMs: MINUTE_MS },
  );
  return (
    <Frame
      title="Online now"
      help="Visitors with a sign of life, a page view or a heartbeat. Who closes the last tab is gone a second later; who falls silent, when the time that the operator has set is over. The curve has a point a minute, or the highest of several."
      className="ff-live"
      actions={<Segments label="Time span" options={SPANS} value={span} onChange={setSpan} />}
    >
      <p className="ff-live-count" data-status={live.status}>
        <output aria-live="off">{live.online === undefined ? '–' : count(live.online)}</output>
        <span className="ff-live-status">{STATUS[live.status]}</span>
      </p>
      {history.data !== undefined && (
        <Curve history={history.data} online={live.online} timeZone={timeZone} days={span !== '60'} />
      )}
      <dl className="ff-pair">
        <div>
          <dt>
            Visitors today{' '}
            <Help about="Visitors today">
              Counted as they come by a HyperLogLog, so about 1 % off. The exact number is in the range
              “Today”.
            </Help>
          </dt>
          <dd>{live.visitorsToday === undefined ? '–' : `≈ ${count(live.visitorsToday)}`}</dd>
        </div>
        <div>
          <dt>Page views today</dt>
          <dd>{live.pageViewsToday === undefined ? '–' : count(live.pageViewsToday)}</dd>
        </div>
      </dl>
      <Events events={live.events} sampled={live.sampled} timeZone={timeZone} />
    </Frame>
  );
}

const STATUS = { connecting: 'connecting…', live: 'live', waiting: 'no connection, trying again…' } as const;

interface CurveProps {
  history: RealtimeHistory;
  online: number | undefined;
  timeZone: string;
  days: boolean;
}

/** Its last point is now. */
const Curve = memo(function Curve({ history, online, timeZone, days }: CurveProps) {
  const { points } = history;
  const labels = useMemo(
    () => [...points.map(({ at }) => (days ? dayAndClock(at, timeZone) : clock(at, timeZone))), 'now'],
    [points, timeZone, days],
  );
  const series = useMemo(
    (): Series[] => [
      {
        name: 'Online',
        color: 'known',
        counts: [...points.map((point) => point.count), online ?? null],
        area: true,
      },
    ],
    [points, online],
  );
  const counts = points.flatMap((point) => point.count ?? []);
  const summary =
    counts.length === 0
      ? 'Nobody has been counted yet'
      : `Visitors online since ${labels[0]}: between ${count(Math.min(...counts))} and ${count(Math.max(...counts))}`;
  return <LazyChart type="line" plain labels={labels} series={series} summary={summary} />;
});

const Events = memo(function Events(props: {
  events: readonly LiveEvent[];
  sampled: boolean;
  timeZone: string;
}) {
  const { events, sampled, timeZone } = props;
  return (
    <>
      <h3 className="ff-live-heading">
        Joins and leaves {sampled && <span className="ff-chip">some of many</span>}
      </h3>
      <ul className="ff-events" aria-label="Joins and leaves">
        {events.length === 0 && <li className="ff-events-none">Nobody has come or gone yet.</li>}
        {events.map(({ key, type, visitor, at }) => (
          <li key={key} data-type={type}>
            <span>{type === 'visitor_joined' ? 'joined' : 'left'}</span>
            <code>{visitor.slice(-6)}</code>
            <time dateTime={at}>{clockWithSeconds(at, timeZone)}</time>
          </li>
        ))}
      </ul>
    </>
  );
});
