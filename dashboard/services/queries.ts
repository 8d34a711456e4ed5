/** Every question the dashboard can ask: its path below the API, its parameters and its result, as the contract has them. */
import type { Static, TSchema } from 'typebox';
import type { Ledger } from '../../contract/ledger.ts';
import type * as contract from '../../contract/query.ts';

/** Parameters without what the client chooses itself. */
type Params<Schema extends TSchema> = Omit<Static<Schema>, 'format'>;
type NoParams = Record<string, never>;

interface Queries {
  settings: { params: NoParams; result: contract.Settings };
  communities: { params: Params<typeof contract.DirectoryParams>; result: contract.Communities };
  divisions: { params: Params<typeof contract.DirectoryParams>; result: contract.Divisions };
  visitors: { params: Params<typeof contract.VisitorsParams>; result: contract.VisitorStats };
  visitorsToday: { params: NoParams; result: contract.VisitorStats };
  visitorsWeekly: { params: NoParams; result: contract.VisitorStats };
  visitorsMonthly: { params: NoParams; result: contract.VisitorStats };
  trends: { params: Params<typeof contract.TrendsParams>; result: contract.Trends };
  divisionBreakdown: { params: Params<typeof contract.BreakdownParams>; result: contract.DivisionShare[] };
  demographics: { params: Params<typeof contract.RangeParams>; result: contract.Demographics };
  conversions: { params: Params<typeof contract.RangeParams>; result: contract.Conversions };
  growth: { params: Params<typeof contract.GrowthParams>; result: contract.Growth };
  pages: { params: Params<typeof contract.PagesParams>; result: contract.Pages };
  retention: { params: Params<typeof contract.RetentionParams>; result: contract.Retention };
  community: {
    params: Params<typeof contract.RangeParams> & Static<typeof contract.CommunityPath>;
    result: contract.CommunityDays;
  };
  realtime: { params: Params<typeof contract.RealtimeParams>; result: contract.Realtime };
  realtimeHistory: {
    params: Params<typeof contract.RealtimeHistoryParams>;
    result: contract.RealtimeHistory;
  };
  pipeline: { params: Params<typeof contract.RangeParams>; result: Ledger };
}
export type QueryName = keyof Queries;
export type ParamsOf<Name extends QueryName> = Queries[Name]['params'];
export type ResultOf<Name extends QueryName> = Queries[Name]['result'];

/** `{name}` stands for a parameter in the path. */
export const PATHS: Readonly<Record<QueryName, string>> = {
  settings: 'settings/',
  communities: 'communities/',
  divisions: 'divisions/',
  visitors: 'visitors/',
  visitorsToday: 'visitors/today/',
  visitorsWeekly: 'visitors/weekly/',
  visitorsMonthly: 'visitors/monthly/',
  trends: 'trends/',
  divisionBreakdown: 'division-breakdown/',
  demographics: 'demographics/',
  conversions: 'conversions/',
  growth: 'growth/',
  pages: 'pages/',
  retention: 'retention/',
  community: 'communities/{id}/',
  realtime: 'realtime/',
  realtimeHistory: 'realtime/history/',
  pipeline: 'pipeline/',
};
