/** The endpoints below `/api/analytics/`. */
import Type from 'typebox';
import { Ledger } from '../contract/ledger.ts';
import {
  BreakdownParams,
  CommunityDays,
  CommunityPath,
  Conversions,
  Demographics,
  DivisionShare,
  Growth,
  GrowthParams,
  NoParams,
  Pages,
  PagesParams,
  RangeParams,
  Realtime,
  RealtimeHistory,
  RealtimeHistoryParams,
  RealtimeParams,
  Retention,
  RetentionParams,
  Trends,
  TrendsParams,
  VisitorStats,
  VisitorsParams,
} from '../contract/query.ts';
import { docsPage } from './docs-page.ts';
import { answer, type Endpoint, jsonEndpoint } from './endpoint.ts';
import { exportEndpoint } from './export.ts';
import { openApiDocument } from './openapi.ts';

export const BASE_PATH = '/api/analytics/';

export const ENDPOINTS: readonly Endpoint[] = [
  jsonEndpoint({
    path: 'visitors/',
    summary: 'Unique visitors of a range',
    access: 'staff_or_moderator',
    params: VisitorsParams,
    result: VisitorStats,
    handler: ({ analytics }, params) => analytics.getUniqueVisitors(params),
  }),
  jsonEndpoint({
    path: 'visitors/today/',
    summary: 'Unique visitors of today',
    access: 'staff_or_moderator',
    params: NoParams,
    result: VisitorStats,
    handler: ({ analytics }) => analytics.getRecentVisitors(1),
  }),
  jsonEndpoint({
    path: 'visitors/weekly/',
    summary: 'Unique visitors of the last 7 days with today',
    access: 'staff_or_moderator',
    params: NoParams,
    result: VisitorStats,
    handler: ({ analytics }) => analytics.getRecentVisitors(7),
  }),
  jsonEndpoint({
    path: 'visitors/monthly/',
    summary: 'Unique visitors of the last 30 days with today',
    access: 'staff_or_moderator',
    params: NoParams,
    result: VisitorStats,
    handler: ({ analytics }) => analytics.getRecentVisitors(30),
  }),
  jsonEndpoint({
    path: 'division-breakdown/',
    summary: 'Visitors by administrative division, most first',
    access: 'staff_or_moderator',
    params: BreakdownParams,
    result: Type.Array(DivisionShare),
    handler: ({ analytics }, params) => analytics.getDivisionBreakdown(params),
  }),
  jsonEndpoint({
    path: 'trends/',
    summary: 'Visitors over time; every bucket of the range is there',
    access: 'staff_or_moderator',
    params: TrendsParams,
    result: Trends,
    handler: ({ analytics }, params) => analytics.getTrends(params),
    rows: (trends) => ({
      text: 'label',
      counts: ['total', 'authenticated', 'anonymous', 'new', 'returning'],
      rows: trends.labels.map((label, i) => ({
        label,
        total: trends.total[i] ?? 0,
        authenticated: trends.authenticated[i] ?? 0,
        anonymous: trends.anonymous[i] ?? 0,
        new: trends.new[i] ?? 0,
        returning: trends.returning[i] ?? 0,
      })),
    }),
  }),
  jsonEndpoint({
    path: 'retention/',
    summary: 'Of the visitors who were new in each week of a range, how many came in the weeks after',
    access: 'staff_or_moderator',
    params: RetentionParams,
    result: Retention,
    handler: ({ analytics }, params) => analytics.getRetention(params),
  }),
  jsonEndpoint({
    path: 'conversions/',
    summary: 'Anonymous visitors who signed in',
    access: 'staff_or_moderator',
    params: RangeParams,
    result: Conversions,
    handler: ({ analytics }, params) => analytics.getConversions(params),
  }),
  jsonEndpoint({
    path: 'demographics/',
    summary: 'Visitors by division type, and the top countries',
    access: 'staff_or_moderator',
    params: RangeParams,
    result: Demographics,
    handler: ({ analytics }, params) => analytics.getDemographics(params),
  }),
  jsonEndpoint({
    path: 'realtime/',
    summary: 'Visitors online now',
    access: 'staff_or_moderator',
    params: RealtimeParams,
    result: Realtime,
    handler: async ({ online, now }, { community_id }) => ({
      count: await online(community_id?.toLowerCase()),
      timestamp: new Date(now()).toISOString(),
    }),
  }),
  jsonEndpoint({
    path: 'realtime/history/',
    summary: 'Visitors online in the last minutes, up to the one that was last complete',
    access: 'staff_or_moderator',
    params: RealtimeHistoryParams,
    result: RealtimeHistory,
    handler: ({ analytics }, params) => analytics.getRealtimeHistory(params),
  }),
  jsonEndpoint({
    path: 'growth/',
    summary: 'Visitors of the last 1, 7 or 30 days with today against as many days before',
    access: 'staff_or_moderator',
    params: GrowthParams,
    result: Growth,
    handler: ({ analytics }, params) => analytics.getGrowth(params),
  }),
  exportEndpoint,
  jsonEndpoint({
    path: 'pages/',
    summary: 'Pages by unique visitors, most first',
    access: 'staff_or_moderator',
    params: PagesParams,
    result: Pages,
    handler: ({ analytics }, params) => analytics.getPages(params),
    rows: ({ results }) => ({
      text: 'page_url',
      counts: ['unique_visitors', 'authenticated_visitors', 'anonymous_visitors', 'page_views'],
      rows: results,
    }),
  }),
  jsonEndpoint({
    path: 'communities/{id}/',
    summary: "A community's visitors by day, of its own division and of others",
    access: 'staff_or_moderator',
    params: Type.Object({ ...CommunityPath.properties, ...RangeParams.properties }),
    result: CommunityDays,
    handler: ({ analytics }, params) => analytics.getCommunity(params),
  }),
  jsonEndpoint({
    path: 'pipeline/',
    summary:
      'What was received, by hour and partition, and where it is now; without a start: the last two days',
    access: 'staff',
    params: RangeParams,
    result: Ledger,
    handler: ({ ledger }, params) => ledger(params),
  }),
  {
    path: 'openapi.json',
    summary: 'This API as an OpenAPI 3.1 document',
    access: 'public',
    params: NoParams,
    answers: { 'application/json': Type.Object({}) },
    respond: async (request) =>
      answer(request, 'application/json', JSON.stringify(openApiDocument(ENDPOINTS, BASE_PATH))),
  },
  {
    path: 'docs',
    summary: 'This API as a page to read',
    access: 'public',
    params: NoParams,
    answers: { 'text/html': null },
    respond: async (request) =>
      answer(request, 'text/html; charset=utf-8', `${docsPage(ENDPOINTS, BASE_PATH)}`, {
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      }),
  },
];
