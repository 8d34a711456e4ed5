/** The components for other React apps. They bring their style with `footfall/dashboard/style.css`. */
import './style/style.css';

export { type Absence, auth, type User } from './auth/auth.ts';
export { type Auth, useAuth } from './auth/use-auth.ts';
export { DivisionBreakdown, type DivisionBreakdownProps } from './components/division-breakdown.tsx';
export {
  RealtimeVisitorCounter,
  type RealtimeVisitorCounterProps,
} from './components/realtime-visitor-counter.tsx';
export {
  type Theme,
  VisitorAnalyticsDashboard,
  type VisitorAnalyticsDashboardProps,
} from './components/visitor-analytics-dashboard.tsx';
export { VisitorStatsCard, type VisitorStatsCardProps } from './components/visitor-stats-card.tsx';
export { VisitorTrendsChart, type VisitorTrendsChartProps } from './components/visitor-trends-chart.tsx';
export { AnalyticsProvider } from './hooks/analytics-context.tsx';
export { type LiveVisitors, useLiveVisitors } from './hooks/use-live-visitors.ts';
export { RequestError } from './services/request-error.ts';
export {
  createVisitorAnalyticsAPI,
  type VisitorAnalyticsAPI,
  type VisitorAnalyticsOptions,
  visitorAnalyticsAPI,
  visitorAnalyticsAPI as default,
} from './services/visitor-analytics-api.ts';
