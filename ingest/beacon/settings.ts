/** What the `data-` attributes of the script element say. */

export interface Settings {
  endpoint: string;
  context: Context;
  /** Page views are sent without being asked for. */
  automatic: boolean;
  /** The part of an address after `#` names the page. */
  hashRouting: boolean;
  /** 0: none are sent. */
  heartbeatMs: number;
}

/** Who is here and where on the platform. */
export interface Context {
  user_id?: string | undefined;
  community_id?: string | undefined;
  division_id?: string | undefined;
}

const DEFAULT_HEARTBEAT_SECONDS = 15;

/** @returns undefined when no element tells where the collector is */
export function readSettings(script: HTMLScriptElement | null): Settings | undefined {
  const data = script?.dataset ?? {};
  const endpoint = data.endpoint ?? (script?.src ? new URL('/e', script.src).href : undefined);
  if (endpoint === undefined) return undefined;
  const seconds = Number(data.heartbeatSeconds || DEFAULT_HEARTBEAT_SECONDS);
  return {
    endpoint: new URL(endpoint, location.href).href,
    context: {
      user_id: data.userId || undefined,
      community_id: data.communityId || undefined,
      division_id: data.divisionId || undefined,
    },
    automatic: data.auto !== 'false',
    hashRouting: data.hashRouting !== undefined && data.hashRouting !== 'false',
    heartbeatMs: (seconds >= 0 ? seconds : DEFAULT_HEARTBEAT_SECONDS) * 1_000,
  };
}
