/** Counts over time, as lines or bars. Comes with Chart.js, so it is loaded by who needs it, in `lazy-chart.tsx`. */
import {
  BarController,
  BarElement,
  CategoryScale,
  type ChartData,
  type ChartDataset,
  type Chart as ChartJS,
  type ChartOptions,
  Chart as Charts,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  type Plugin,
  PointElement,
  Tooltip,
} from 'chart.js';
import { useMemo, useRef } from 'react';
import { Chart } from 'react-chartjs-2';
import { compact, count } from '../format.ts';
import { type ColorName, type Colors, faded, useColors } from './theme.ts';

Charts.register(
  BarController,
  BarElement,
  CategoryScale,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);

export interface Series {
  name: string;
  color: ColorName;
  /** null: nothing is known of that moment. */
  counts: readonly (number | null)[];
  /** Filled down to the axis. */
  area?: boolean;
  dashed?: boolean;
  /** The last count still grows: the way to it is dotted. */
  unfinished?: boolean;
}

export interface TimeChartProps {
  type: 'line' | 'bar';
  /** As the axis and the tooltip say them. */
  labels: readonly string[];
  series: readonly Series[];
  /** Bars on each other. */
  stacked?: boolean;
  /** Without axes: a line that says how it goes. */
  plain?: boolean;
  /** What it shows, in a sentence. */
  summary: string;
}

const POINTS_WITH_DOTS = 40;
const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

export default function TimeChart(props: TimeChartProps) {
  const { type, labels, series, stacked = false, plain = false, summary } = props;
  const frame = useRef<HTMLDivElement>(null);
  const colors = useColors(frame);
  const data = useMemo(
    (): ChartData<'line' | 'bar', (number | null)[], string> | undefined =>
      colors && {
        labels: [...labels],
        datasets: series.map((one) => dataset(one, type, colors, plain)),
      },
    [colors, labels, series, type, plain],
  );
  const options = useMemo(() => colors && optionsFor(colors, { stacked, plain }), [colors, stacked, plain]);
  return (
    <div className="ff-chart" ref={frame} data-plain={plain || undefined}>
      {data !== undefined && options !== undefined && (
        <Chart
          // Chart.js cannot turn one into the other.
          key={type}
          type={type}
          data={data}
          options={options}
          plugins={plain ? NO_PLUGINS : PLUGINS}
          role="img"
          aria-label={summary}
        />
      )}
    </div>
  );
}

function dataset(
  { name, color, counts, area = false, dashed = false, unfinished = false }: Series,
  type: 'line' | 'bar',
  colors: Colors,
  plain: boolean,
): ChartDataset<'line' | 'bar', (number | null)[]> {
  const stroke = colors[color];
  const last = counts.findLastIndex((value) => value !== null);
  if (type === 'bar' && !dashed) {
    return {
      type: 'bar',
      label: name,
      data: [...counts],
      backgroundColor: faded(stroke, 0.85),
      hoverBackgroundColor: stroke,
      borderRadius: 3,
      maxBarThickness: 36,
      categoryPercentage: 0.8,
      barPercentage: 0.9,
    };
  }
  return {
    type: 'line',
    label: name,
    data: [...counts],
    borderColor: stroke,
    borderWidth: dashed ? 1.5 : 2,
    borderDash: dashed ? [4, 4] : [],
    borderCapStyle: 'round',
    borderJoinStyle: 'round',
    ...(unfinished && { segment: { borderDash: ({ p1DataIndex }) => dotsBefore(p1DataIndex, last) } }),
    cubicInterpolationMode: 'monotone',
    fill: area ? 'origin' : false,
    backgroundColor: ({ chart }) => gradient(chart, stroke),
    pointRadius: !plain && counts.length <= POINTS_WITH_DOTS && !dashed ? 2.5 : 0,
    pointBackgroundColor: colors.surface,
    pointBorderColor: stroke,
    pointBorderWidth: 1.5,
    pointHoverRadius: plain ? 0 : 4.5,
    pointHoverBackgroundColor: stroke,
    pointHoverBorderColor: colors.surface,
    pointHoverBorderWidth: 2,
  };
}

const dotsBefore = (point: number, last: number) => (point === last ? [2, 4] : undefined);

function gradient({ ctx, chartArea }: ChartJS, color: string): CanvasGradient | string {
  // Undefined before the first layout.
  if (chartArea === undefined) return faded(color, 0.1);
  const fill = ctx.createLinearGradient(0, chartArea.top, 0, chartArea.bottom);
  fill.addColorStop(0, faded(color, 0.22));
  fill.addColorStop(1, faded(color, 0));
  return fill;
}

function optionsFor(
  colors: Colors,
  { stacked, plain }: { stacked: boolean; plain: boolean },
): ChartOptions<'line' | 'bar'> {
  const font = { family: 'inherit', size: 12 };
  return {
    responsive: true,
    maintainAspectRatio: false,
    animation: reducedMotion.matches ? false : { duration: 250 },
    interaction: { mode: 'index', intersect: false },
    layout: { padding: { top: plain ? 4 : 8, bottom: plain ? 2 : 0 } },
    scales: {
      x: {
        display: !plain,
        stacked,
        border: { color: colors.line },
        grid: { display: false },
        ticks: { color: colors.quiet, font, maxRotation: 0, autoSkipPadding: 24 },
      },
      y: {
        display: !plain,
        stacked,
        beginAtZero: true,
        border: { display: false },
        grid: { color: colors.line, tickLength: 0 },
        ticks: {
          color: colors.quiet,
          font,
          padding: 8,
          maxTicksLimit: 5,
          precision: 0,
          callback: (value) => compact(Number(value)),
        },
      },
    },
    plugins: {
      tooltip: {
        enabled: !plain,
        backgroundColor: colors.surface,
        borderColor: colors.line,
        borderWidth: 1,
        titleColor: colors.ink,
        bodyColor: colors.ink,
        titleFont: { ...font, weight: 600 },
        bodyFont: font,
        padding: 12,
        cornerRadius: 8,
        caretSize: 0,
        caretPadding: 12,
        boxWidth: 8,
        boxHeight: 8,
        boxPadding: 6,
        usePointStyle: true,
        callbacks: {
          label: ({ dataset: { label }, parsed: { y } }) => `${label}  ${y === null ? '–' : count(y)}`,
          labelColor: ({ dataset: { borderColor, backgroundColor } }) => {
            const color = String(typeof backgroundColor === 'function' ? borderColor : backgroundColor);
            return { borderColor: color, backgroundColor: color, borderRadius: 4 };
          },
        },
      },
    },
  };
}

/** A line where the reader points. */
const crosshair: Plugin = {
  id: 'crosshair',
  beforeDatasetsDraw({ ctx, chartArea: { top, bottom }, tooltip }) {
    const [active] = tooltip?.getActiveElements() ?? [];
    if (active === undefined) return;
    ctx.save();
    ctx.strokeStyle = String(tooltip?.options.borderColor);
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(active.element.x, top);
    ctx.lineTo(active.element.x, bottom);
    ctx.stroke();
    ctx.restore();
  },
};
const PLUGINS = [crosshair];
const NO_PLUGINS: Plugin[] = [];
