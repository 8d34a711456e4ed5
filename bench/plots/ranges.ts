import { dot, lineY } from '@observablehq/plot';
import type { Report } from '../ranges/report.ts';
import { COLOURS } from './marks.ts';
import type { Plot } from './plot.ts';

const WAYS = {
  ours: { name: 'Footfall, over HTTP', colour: COLOURS.blue },
  uniqExact: { name: 'uniqExact of raw', colour: COLOURS.rust },
  uniq: { name: 'uniq of raw, an estimate', colour: COLOURS.sand },
  uniqCombined64: { name: 'daily states, an estimate', colour: COLOURS.grey },
};
const DAY_MS = 86_400_000;

export const ranges: Plot<Report> = {
  name: 'ranges',
  results: ['ranges-10m', 'ranges-100m'],
  title: 'Unique visitors by length of the range: median time of an answer',
  drawing: (...reports) => {
    const questions = [
      ...new Set(reports.flatMap(({ comparisons }) => comparisons.map(({ question }) => question))),
    ];
    const figures = reports.flatMap(({ setting, ranges, comparisons }) => {
      const daysOf = new Map(
        ranges.map(({ name, first_day, last_day }) => [
          name,
          (Date.parse(last_day) - Date.parse(first_day)) / DAY_MS + 1,
        ]),
      );
      return comparisons.flatMap(({ question, range, p50 }) =>
        Object.entries(WAYS).map(([way, { colour }]) => ({
          events: `${setting.events / 1e6} million events`,
          question,
          days: daysOf.get(range),
          ms: p50[way as keyof typeof WAYS],
          colour,
        })),
      );
    });
    const place = { x: 'days', y: 'ms', fx: 'events', fy: 'question' };
    return {
      height: 150 + 130 * questions.length,
      marginTop: 112,
      marginLeft: 70,
      marginRight: 130,
      x: { type: 'log', tickFormat: ',', label: 'days of the range (logarithmic)', ticks: [1, 30, 183, 365] },
      y: { type: 'log', tickFormat: ',', nice: true, label: 'ms (logarithmic)', grid: true, ticks: 4 },
      fx: { label: null, domain: reports.map(({ setting }) => `${setting.events / 1e6} million events`) },
      fy: { label: null, domain: questions },
      legend: Object.fromEntries(Object.values(WAYS).map(({ name, colour }) => [name, colour])),
      marks: [
        lineY(figures, { ...place, stroke: 'colour', sort: 'days' }),
        dot(figures, { ...place, fill: 'colour', r: 3 }),
      ],
    };
  },
};
