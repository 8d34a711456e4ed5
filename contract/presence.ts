/** What the pipeline tells the query APIs, through the live store's channel, when somebody comes or goes. */
export const PRESENCE_CHANNEL = 'footfall:presence';

export interface PresenceNews {
  /** `site`, or a community id. */
  scope: string;
  /** Visitors online in the scope afterwards. */
  count: number;
  joined: VisitorMoment[];
  left: VisitorMoment[];
}

export interface VisitorMoment {
  id: string;
  /** ms since the epoch */
  at: number;
}
