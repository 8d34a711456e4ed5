/** Every endpoint that asks for a range, with the ranges it is asked for. */
import { addDays } from '../../contract/reporting-day.ts';
import { COMMUNITY, DIVISION } from './platform.ts';
import { firstDayOf, type Setting, yesterdayOf } from './setting.ts';

export interface Range {
  name: string;
  first_day: string;
  last_day: string;
}

export interface Question {
  endpoint: string;
  /** Name of the range, where the endpoint takes one. */
  range: string;
  /** Below `/api/analytics/`. */
  path: string;
}

/** Of days that the data has; for a year of them, as named. */
export function rangesOf(setting: Setting): Range[] {
  const { days, today } = setting;
  const [firstDay, yesterday] = [firstDayOf(setting), yesterdayOf(setting)];
  return [
    { name: 'year', first_day: firstDay, last_day: yesterday },
    {
      name: '11 months',
      first_day: offBorder(addDays(firstDay, Math.floor(days / 20))),
      last_day: offBorder(addDays(yesterday, -Math.ceil(days / 30))),
    },
    { name: 'half a year', first_day: addDays(yesterday, 1 - Math.ceil(days / 2)), last_day: yesterday },
    { name: '30 days with today', first_day: addDays(today, -29), last_day: today },
    { name: 'day', first_day: yesterday, last_day: yesterday },
  ];
}

/** The day, or one near it that is neither the first nor the last of a month. */
function offBorder(day: string): string {
  const date = Number(day.slice(8));
  return date > 2 && date < 28 ? day : addDays(day, 5);
}

export const within = ({ first_day, last_day }: Range) => `start_date=${first_day}&end_date=${last_day}`;

export function questionsOf(setting: Setting): Question[] {
  const ranges = rangesOf(setting);
  const of = (endpoint: string, path: string): Question[] =>
    ranges.map((range) => ({ endpoint, range: range.name, path: path + within(range) }));
  const once = (path: string): Question => ({ endpoint: path, range: '', path });
  return [
    ...of('visitors/', 'visitors/?'),
    ...of('visitors/ of a community', `visitors/?community_id=${COMMUNITY}&`),
    ...of('visitors/ of a division', `visitors/?division_id=${DIVISION}&`),
    ...of('visitors/ of both', `visitors/?community_id=${COMMUNITY}&division_id=${DIVISION}&`),
    once('visitors/today/'),
    ...['hour', 'day', 'week', 'month'].flatMap((interval) => [
      ...of(`trends/ by ${interval}`, `trends/?interval=${interval}&`),
      ...of(
        `trends/ by ${interval} of a community`,
        `trends/?interval=${interval}&community_id=${COMMUNITY}&`,
      ),
    ]),
    ...['day', 'week', 'month'].map((period) => once(`growth/?period=${period}`)),
    ...of('division-breakdown/', 'division-breakdown/?'),
    ...of('demographics/', 'demographics/?'),
    ...of('pages/', 'pages/?'),
    ...of('communities/{id}/', `communities/${COMMUNITY}/?`),
    ...of('retention/', 'retention/?'),
    ...of('export/ as CSV', 'export/?'),
  ];
}
