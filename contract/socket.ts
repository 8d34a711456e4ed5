/** Messages of `/ws/analytics/visitors/` and `/ws/analytics/dashboard/`. */
import Type, { type Static } from 'typebox';

const VisitorCount = Type.Object({ type: Type.Literal('visitor_count'), count: Type.Integer() });

const VisitorRef = Type.Object({
  id: Type.String({ description: 'opaque, stable for a visitor' }),
  timestamp: Type.String({ format: 'date-time' }),
});

/**
 * `sampled` is there, and true, while some are left out: of more than 50 a second, and of fewer where very many listen at
 * the same instance.
 */
const VisitorJoined = Type.Object({
  type: Type.Literal('visitor_joined'),
  visitor: VisitorRef,
  sampled: Type.Optional(Type.Literal(true)),
});
const VisitorLeft = Type.Object({
  type: Type.Literal('visitor_left'),
  visitor: VisitorRef,
  sampled: Type.Optional(Type.Literal(true)),
});

const DashboardUpdate = Type.Object({
  type: Type.Literal('dashboard_update'),
  online: Type.Integer({ description: 'visitors online now' }),
  visitors_today: Type.Integer({ description: "today's unique visitors, by HyperLogLog: about 1 % off" }),
  page_views_today: Type.Integer(),
  timestamp: Type.String({ format: 'date-time' }),
});

export const ServerMessage = Type.Union([VisitorCount, VisitorJoined, VisitorLeft, DashboardUpdate]);
export type ServerMessage = Static<typeof ServerMessage>;

export const ClientMessage = Type.Object({ type: Type.Literal('request_count') });
export type ClientMessage = Static<typeof ClientMessage>;
