/** Visitors over time: all of them, signed in against anonymous, or new against returning. */
import { useMemo, useState } from 'react';
import type { Trends } from '../../contract/query.ts';
import { LazyChart } from '../charts/lazy-chart.tsx';
import type { ColorName } from '../charts/theme.ts';
import type { Series } from '../charts/time-chart.tsx';
import { bucket, count } from '../format.ts';

type Counted = Exclude<keyof Trends, 'labels'>;
export type TrendsView = 'visitors' | 'loyalty';

export interface VisitorTrendsChartProps {
  data: Trends;
  /** Default: `line`. */
  type?: 'line' | 'bar';
  /** `visitors`: total, authenticated and anonymous; `loyalty`: new and returning. Default: `visitors`. */
  view?: TrendsView;
  /** The same of the period before, for comparison. */
  previous?: Trends | undefined;
  /** The last bucket still grows. Default: no. */
  unfinished?: boolean;
  /** Of hours. Default: UTC. */
  timeZone?: string;
}

interface Line {
  of: Counted;
  name: string;
  color: ColorName;
}

const LINES: Readonly<Record<TrendsView, readonly Line[]>> = {
  visitors: [
    { of: 'total', name: 'All visitors', color: 'total' },
    { of: 'authenticated', name: 'Signed in', color: 'known' },
    { of: 'anonymous', name: 'Anonymous', color: 'anonymous' },
  ],
  loyalty: [
    { of: 'new', name: 'New', color: 'new' },
    { of: 'returning', name: 'Returning', color: 'returning' },
  ],
};
const MAX_TABLE_ROWS = 400;

export function VisitorTrendsChart(props: VisitorTrendsChartProps) {
  const { data, type = 'line', view = 'visitors', previous, unfinished = false, timeZone = 'UTC' } = props;
  const [hidden, setHidden] = useState<ReadonlySet<Counted>>(new Set());
  const lines = LINES[view];
  const shown = useMemo(() => lines.filter(({ of }) => !hidden.has(of)), [lines, hidden]);
  const labels = useMemo(() => data.labels.map((label) => bucket(label, timeZone)), [data, timeZone]);
  // On each other they would be all visitors twice.
  const stacked = type === 'bar' && !shown.some(({ of }) => of === 'total');
  const series = useMemo((): Series[] => {
    const drawn = shown.map(({ of, name, color }) => ({
      name,
      color,
      counts: begun(data, of),
      area: of === 'total' || view === 'loyalty',
      unfinished,
    }));
    if (previous === undefined || view !== 'visitors' || hidden.has('total')) return drawn;
    const before = { name: 'Period before', color: 'before', counts: previous.total, dashed: true } as const;
    return [...drawn, before];
  }, [shown, data, view, previous, hidden, unfinished]);

  const toggle = (of: Counted) => {
    const next = new Set(hidden);
    if (!next.delete(of)) next.add(of);
    setHidden(next);
  };
  return (
    <figure className="ff-figure">
      <figcaption className="ff-legend">
        {lines.map(({ of, name, color }) => (
          <button
            key={of}
            type="button"
            aria-pressed={!hidden.has(of)}
            style={{ '--ff-mark': `var(--ff-${color})` }}
            onClick={() => toggle(of)}
          >
            {name}
          </button>
        ))}
        {previous !== undefined && view === 'visitors' && (
          <span className="ff-legend-before">Period before</span>
        )}
      </figcaption>
      <LazyChart
        type={type}
        labels={labels}
        series={series}
        stacked={stacked}
        summary={summaryOf(data, lines, labels)}
      />
      <Table data={data} lines={lines} labels={labels} />
    </figure>
  );
}

/** Hours of today that are still to come have no visitors yet, which is not the same as none. */
function begun({ labels, ...counts }: Trends, of: Counted): (number | null)[] {
  const now = Date.now();
  return counts[of].map((value, i) => {
    const label = labels[i] ?? '';
    return label.includes('T') && Date.parse(label) > now ? null : value;
  });
}

function summaryOf(data: Trends, lines: readonly Line[], labels: readonly string[]): string {
  const most = Math.max(0, ...data.total);
  const busiest = labels[data.total.indexOf(most)] ?? '';
  const names = lines.map(({ name }) => name.toLowerCase()).join(', ');
  return `${names}, from ${labels[0]} to ${labels.at(-1)}; most visitors on ${busiest}: ${count(most)}`;
}

/** The same for who reads it by ear. */
function Table({ data, lines, labels }: { data: Trends; lines: readonly Line[]; labels: readonly string[] }) {
  if (labels.length > MAX_TABLE_ROWS) return null;
  return (
    <div className="ff-sr">
      <table>
        <caption>Visitors over time</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            {lines.map(({ of, name }) => (
              <th key={of} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, i) => (
            <tr key={data.labels[i]}>
              <th scope="row">{label}</th>
              {lines.map(({ of }) => (
                <td key={of}>{count(data[of][i] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
