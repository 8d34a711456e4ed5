/** What the processes of the live bench tell each other. Instants are ms since the epoch, as {@link instant} reads them. */

export interface SocketsAsked {
  /** Opens so many sockets, each with a token of its list, from addresses that have `perAddress` each. */
  open?: { url: string; path: string; tokens: string[]; sockets: number; perAddress: number };
  /** Begins to note what arrives. */
  begin?: true;
  /** Asks for what has arrived since. */
  end?: true;
  close?: true;
}

export interface SocketsTold {
  opened?: number;
  closed?: true;
  arrived?: Arrived;
}

export interface Arrived {
  /** Of each `visitor_joined` by its visitor: when it came to each socket. A count is in the same write. */
  joined: { id: string; at: Float64Array }[];
  /** When the nth message came to each socket; of the control, whose messages are not looked into. */
  nth: Float64Array[];
  /** The messages of one socket. */
  recorded: { at: number; text: string }[];
  messages: number;
  bytes: number;
  /** Sockets that ended before they were told to. */
  lost: number;
  /** Messages of all sockets by type. */
  byType: Record<string, number>;
}

export interface BeaconsAsked {
  send?: {
    port: number;
    perSecond: number;
    staySeconds: number;
    communities: string[];
    fingerprintSecret: string;
  };
  begin?: true;
  /** Asks for the visitors who came since, and goes on sending. */
  end?: true;
}

export interface BeaconsTold {
  sent?: Sent;
}

export interface Sent {
  /** Visitors as the sockets name them, and when the collector had acknowledged their first beacon. */
  ids: string[];
  acknowledgedAt: Float64Array;
  beacons: number;
  seconds: number;
  /** ms until the 202. */
  answeredMs: Float64Array;
  refused: number;
}

export interface ControlAsked {
  /** Sends each text to every socket, `at` ms after now. */
  replay?: { at: number; text: string }[];
}

export interface ControlTold {
  listening?: number;
  /** When each broadcast began. */
  sentAt?: Float64Array;
}

/** The same clock in every process of a machine, finer than a millisecond. */
export function instant(): number {
  return performance.timeOrigin + performance.now();
}
