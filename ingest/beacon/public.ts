/** The beacon as pages and other packages see it. Only types: the build copies this file beside the module. */

/** Who is here, where on the platform, where they belong. null clears, a field that is not there stays as it is. */
export interface Fields {
  /** UUID or text of at most 64 characters. */
  user?: string | number | null | undefined;
  /** UUID */
  community?: string | null | undefined;
  /** UUID */
  division?: string | null | undefined;
}

/** Each is also a `data-` attribute of the script. */
export interface Options extends Fields {
  /** Where beacons go: `/e` on the collector. */
  endpoint: string;
  /** Whether page views are sent without being asked for. Default: true */
  auto?: boolean | undefined;
  /** Whether the part of an address after `#` names the page. Default: false */
  hash?: boolean | undefined;
  /** Seconds between signs of life while the page is visible. Default: 15; 0: none */
  heartbeat?: number | undefined;
  /** Whether nothing is sent where the browser says Global Privacy Control or Do Not Track. Default: true */
  respectDnt?: boolean | undefined;
}

export interface Footfall {
  /** From now on. A user who was not here before is told to the collector at once. */
  (command: 'set', fields: Fields): void;
  /** Sets, and sends a page view, in place of an automatic one of the same page that has not been sent yet. */
  (command: 'page', fields?: Fields): void;
}

/** Starts the beacon, once a page: later calls give what the first one gave. On a server it does nothing. */
export declare function start(options: Options): Footfall;
