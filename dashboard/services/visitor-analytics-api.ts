/** The query API for programs in a browser: one method a question, typed by the contract. */
import { auth } from '../auth/auth.ts';
import { noteAllowance } from './allowance.ts';
import { PATHS, type ParamsOf, type QueryName, type ResultOf } from './queries.ts';
import { RequestError, requestError } from './request-error.ts';

const ANSWER_TIMEOUT_MS = 60_000;

export interface VisitorAnalyticsOptions {
  /** Address of the API, with a slash at its end. Default: `api/analytics/` beside the page. */
  baseUrl?: string;
  /** The JWT to send; undefined: none. Default: the one that `useAuth` holds. */
  getToken?: () => string | undefined;
}

interface RequestOptions {
  /** Ends the request; its promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

type Ask<Name extends QueryName> = (
  params?: ParamsOf<Name>,
  options?: RequestOptions,
) => Promise<ResultOf<Name>>;

/** Every method rejects with a {@link RequestError} where the API has no answer. */
export interface VisitorAnalyticsAPI {
  /** Where the API is, absolute. */
  readonly baseUrl: string;
  getToken(): string | undefined;
  query<Name extends QueryName>(
    name: Name,
    params: ParamsOf<Name>,
    options?: RequestOptions,
  ): Promise<ResultOf<Name>>;

  getSettings: Ask<'settings'>;
  getCommunities: Ask<'communities'>;
  getDivisions: Ask<'divisions'>;
  getVisitors: Ask<'visitors'>;
  getTodayVisitors: Ask<'visitorsToday'>;
  getWeeklyVisitors: Ask<'visitorsWeekly'>;
  getMonthlyVisitors: Ask<'visitorsMonthly'>;
  getTrends: Ask<'trends'>;
  getDivisionBreakdown: Ask<'divisionBreakdown'>;
  getDemographics: Ask<'demographics'>;
  getConversions: Ask<'conversions'>;
  getGrowth: Ask<'growth'>;
  getPages: Ask<'pages'>;
  getRetention: Ask<'retention'>;
  getCommunity(params: ParamsOf<'community'>, options?: RequestOptions): Promise<ResultOf<'community'>>;
  getRealtime: Ask<'realtime'>;
  getRealtimeHistory: Ask<'realtimeHistory'>;
  /** For staff. */
  getPipeline: Ask<'pipeline'>;

  /** A row a day: `date,total_visitors,authenticated_visitors,anonymous_visitors,page_views`. */
  exportCSV(params?: ExportQuery, options?: RequestOptions): Promise<Blob>;
  /** The same rows as an Arrow IPC stream. */
  exportArrow(params?: ExportQuery, options?: RequestOptions): Promise<Blob>;
}

export type ExportQuery = Pick<
  ParamsOf<'visitors'>,
  'start_date' | 'end_date' | 'community_id' | 'division_id'
>;

export function createVisitorAnalyticsAPI({
  baseUrl = 'api/analytics/',
  getToken = () => auth.token(),
}: VisitorAnalyticsOptions = {}): VisitorAnalyticsAPI {
  const base = () => new URL(baseUrl, document.baseURI).href;

  async function request(path: string, params: object, { signal }: RequestOptions): Promise<Response> {
    const url = new URL(path, base());
    for (const [name, value] of Object.entries(params)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const token = getToken();
    const patience = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    let response: Response;
    try {
      response = await fetch(url, {
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
        signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new RequestError(0, {}, undefined, { cause });
    }
    noteAllowance(response.headers);
    if (!response.ok) throw await requestError(response);
    return response;
  }

  async function query<Name extends QueryName>(
    name: Name,
    params: ParamsOf<Name>,
    options: RequestOptions = {},
  ): Promise<ResultOf<Name>> {
    const given: Record<string, unknown> = { ...params };
    const path = PATHS[name].replace(/\{(\w+)\}/g, (_, field: string) => {
      const value = encodeURIComponent(String(given[field]));
      delete given[field];
      return value;
    });
    return (await request(path, given, options)).json();
  }

  const ask =
    <Name extends QueryName>(name: Name, none: ParamsOf<Name>): Ask<Name> =>
    (params = none, options) =>
      query(name, params, options);

  async function download(
    format: 'arrow' | undefined,
    params: object,
    options: RequestOptions,
  ): Promise<Blob> {
    return (await request('export/', { ...params, format }, options)).blob();
  }

  return {
    get baseUrl() {
      return base();
    },
    getToken,
    query,
    getSettings: ask('settings', {}),
    getCommunities: ask('communities', {}),
    getDivisions: ask('divisions', {}),
    getVisitors: ask('visitors', {}),
    getTodayVisitors: ask('visitorsToday', {}),
    getWeeklyVisitors: ask('visitorsWeekly', {}),
    getMonthlyVisitors: ask('visitorsMonthly', {}),
    getTrends: ask('trends', {}),
    getDivisionBreakdown: ask('divisionBreakdown', {}),
    getDemographics: ask('demographics', {}),
    getConversions: ask('conversions', {}),
    getGrowth: ask('growth', {}),
    getPages: ask('pages', {}),
    getRetention: ask('retention', {}),
    getCommunity: (params, options) => query('community', params, options),
    getRealtime: ask('realtime', {}),
    getRealtimeHistory: ask('realtimeHistory', {}),
    getPipeline: ask('pipeline', {}),
    exportCSV: (params = {}, options = {}) => download(undefined, params, options),
    exportArrow: (params = {}, options = {}) => download('arrow', params, options),
  };
}

/** The API beside this page, asked with the token that `useAuth` holds. */
export const visitorAnalyticsAPI: VisitorAnalyticsAPI = createVisitorAnalyticsAPI();
