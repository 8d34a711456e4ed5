/** What the sender of the end-to-end bench is asked, and what it tells once a second. */

export interface SenderAsked {
  begin?: {
    port: number;
    eventsPerSecond: number;
    /** In which the rate rises from nothing. */
    warmUpSeconds: number;
    communities: string[];
    divisions: string[];
  };
  /** Sends nothing new; what is under way is repeated until it is acknowledged. */
  end?: true;
}

/** Since the beginning. */
export interface SenderTold {
  /** Events that were due by the clock, those that were sent, and those that the collector has acknowledged. */
  due: number;
  sent: number;
  acknowledged: number;
  pageViews: number;
  /** Requests that were sent again, since they were not acknowledged. */
  repeats: number;
  /** ms until the 202 of the requests of the last second. */
  answeredMs: { p50: number; p99: number };
  /** All that was sent is acknowledged, and nothing more will be sent. */
  done: boolean;
}
