/** What an admin looks at in a morning, and what it asks the query API for. */
import type { Interval, Settings } from '../../contract/query.ts';
import { addDays } from '../../contract/reporting-day.ts';
import { pick, type Random, type Weighted, weighted } from './chance.ts';
import { place } from './site.ts';
import type { Platform } from './visitors.ts';

export interface Question {
  /** `name` tag of the request. */
  readonly name: string;
  /** Below `/api/analytics/`. */
  readonly path: string;
  /** What the answer's type has to begin with. */
  readonly type: string;
}

/** Asked at once, as a page does. */
interface Look extends Weighted {
  ask(morning: Morning): Question[];
}

/** What is known before the first look. */
export interface Morning {
  readonly today: Settings['today'];
  readonly platform: Platform;
  readonly random: Random;
}

const JSON_TYPE = 'application/json';
const ARROW_TYPE = 'application/vnd.apache.arrow.stream';
const RANGES_DAYS = [1, 7, 7, 30, 30, 30, 90, 182, 365];
const MOST_DAYS: Readonly<Record<Interval, number>> = { hour: 7, day: 90, week: 182, month: 365 };
const INTERVALS: readonly Interval[] = ['hour', 'day', 'week', 'month'];

const json = (name: string, path: string): Question => ({ name, path, type: JSON_TYPE });

const LOOKS: readonly Look[] = [
  { weight: 15, ask: (morning) => dashboard(`start_date=${addDays(morning.today, -29)}`) },
  { weight: 15, ask: (morning) => dashboard(anyRange(morning)) },
  {
    weight: 20,
    ask(morning) {
      const interval = pick(INTERVALS, morning.random()) ?? 'day';
      const range = endingToday(morning, MOST_DAYS[interval]);
      return [json('trends', `trends/?interval=${interval}&${range}${ofPlace(morning, interval)}`)];
    },
  },
  {
    weight: 10,
    ask: (morning) => [
      json('pages', `pages/?page_size=50&page=${1 + Math.floor(morning.random() * 3)}&${anyRange(morning)}`),
    ],
  },
  {
    weight: 10,
    ask: (morning) => [json('division-breakdown', `division-breakdown/?limit=50&${anyRange(morning)}`)],
  },
  { weight: 6, ask: (morning) => [json('retention', `retention/?${endingToday(morning, 182)}`)] },
  {
    weight: 6,
    ask: ({ random }) => [
      json('growth', `growth/?period=${pick(['day', 'week', 'month'], random()) ?? 'day'}`),
    ],
  },
  // A range beside as many days before it, as the dashboard compares.
  {
    weight: 10,
    ask(morning) {
      const days = pick([7, 30, 90], morning.random()) ?? 30;
      const before = rangeOf(addDays(morning.today, -days), days);
      return [rangeOf(morning.today, days), before].flatMap((range) => [
        json('visitors', `visitors/?${range}`),
        json('trends', `trends/?interval=day&${range}`),
      ]);
    },
  },
  {
    weight: 8,
    ask({ platform, random, ...morning }) {
      const community = place(platform.communities, random());
      if (community === undefined) return [json('realtime', 'realtime/')];
      const range = anyRange({ ...morning, random });
      return [
        json('communities', `communities/${community}/?${range}`),
        json('visitors', `visitors/?community_id=${community}&${range}`),
        json('realtime', `realtime/?community_id=${community}`),
      ];
    },
  },
  {
    weight: 4,
    ask: (morning) => [{ name: 'export', path: `export/?${anyRange(morning)}`, type: 'text/csv' }],
  },
  {
    weight: 2,
    ask: (morning) => [
      { name: 'export', path: `export/?format=arrow&${anyRange(morning)}`, type: ARROW_TYPE },
    ],
  },
  { weight: 14, ask: () => [json('realtime', 'realtime/'), json('realtime', 'realtime/history/')] },
];

/** Every `name` that questions have. */
export const QUESTION_NAMES: readonly string[] = [
  'visitors',
  'trends',
  'division-breakdown',
  'demographics',
  'pages',
  'conversions',
  'growth',
  'retention',
  'communities',
  'realtime',
  'settings',
  'export',
];

export function anyLook(morning: Morning): Question[] {
  return weighted(LOOKS, morning.random())?.ask(morning) ?? [];
}

/** Each once, in order. */
export function allLooks(morning: Morning): Question[][] {
  return LOOKS.map((look) => look.ask(morning));
}

function dashboard(range: string): Question[] {
  return [
    json('settings', 'settings/'),
    json('visitors', `visitors/?${range}`),
    json('visitors', 'visitors/today/'),
    json('trends', `trends/?interval=day&${range}`),
    json('division-breakdown', `division-breakdown/?${range}`),
    json('demographics', `demographics/?${range}`),
    json('pages', `pages/?page_size=10&${range}`),
    json('conversions', `conversions/?${range}`),
    json('growth', 'growth/?period=week'),
    json('retention', `retention/?${range}`),
    json('realtime', 'realtime/'),
    json('realtime', 'realtime/history/'),
  ];
}

/** Half of them end today, the others some time in the last month, so that not all are in the cache of results. */
function anyRange({ today, random }: Pick<Morning, 'today' | 'random'>): string {
  const end = random() < 0.5 ? today : addDays(today, -Math.floor(random() * 31));
  return rangeOf(end, pick(RANGES_DAYS, random()) ?? 30);
}

function endingToday({ today, random }: Morning, mostDays: number): string {
  return rangeOf(today, Math.max(1, Math.ceil(random() * mostDays)));
}

function rangeOf(lastDay: string, days: number): string {
  return `start_date=${addDays(lastDay, 1 - days)}&end_date=${lastDay}`;
}

/** Hours are not counted by division. */
function ofPlace({ platform, random }: Morning, interval: Interval): string {
  const kind = random();
  const community = kind < 0.3 ? place(platform.communities, random()) : undefined;
  if (community !== undefined) return `&community_id=${community}`;
  const division = kind > 0.8 && interval !== 'hour' ? place(platform.divisions, random()) : undefined;
  return division === undefined ? '' : `&division_id=${division}`;
}
