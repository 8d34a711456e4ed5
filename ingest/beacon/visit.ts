/** One visit of a page: makes its beacons, and knows which page was viewed last. */
import type { BeaconType } from '../../contract/beacon.ts';
import { fingerprint } from './fingerprint.ts';
import { sessionId, uuid } from './identifiers.ts';
import type { Context, Settings } from './settings.ts';
import type { Draft, Transport } from './transport.ts';

/** Longest values the collector takes of what browsers give: a longer one must not cost the page view. */
const LONGEST = { url: 8192, referrer: 2048, title: 512, language: 35 } as const;

export interface Visit {
  /** Sends a page view. */
  view(referrer?: string): void;
  /** Sends a page view when the address names another page than the last one viewed. */
  viewIfMoved(): void;
  identify(userId: string): void;
  heartbeat(): void;
  leave(): void;
  /** Goes into every beacon from now on. A field that is null or undefined is cleared. */
  remember(context: { [Field in keyof Context]?: string | null | undefined }): void;
}

export function startVisit(settings: Settings, transport: Transport): Visit {
  const context = { ...settings.context };
  const browser = {
    fingerprint: fingerprint(),
    session_id: sessionId(),
    language: navigator.language?.slice(0, LONGEST.language),
    screen: `${screen.width}x${screen.height}`,
  };
  let viewed: { page: string; href: string } | undefined;

  const page = () => location.pathname + (settings.hashRouting ? location.hash : '');

  function beacon(type: BeaconType, more: Partial<Draft> = {}): Draft {
    return {
      type,
      event_id: uuid(),
      url: location.href.slice(0, LONGEST.url),
      title: document.title.slice(0, LONGEST.title),
      ...browser,
      ...context,
      ...more,
    };
  }

  function view(referrer = viewed === undefined ? document.referrer : viewed.href): void {
    viewed = { page: page(), href: location.href };
    transport.send(beacon('page_view', { referrer: referrer.slice(0, LONGEST.referrer) || undefined }));
  }

  return {
    view,
    viewIfMoved: () => {
      if (viewed?.page !== page()) view();
    },
    identify: (userId) => {
      context.user_id = userId;
      transport.send(beacon('identify'));
    },
    heartbeat: () => transport.sendOnce(beacon('heartbeat')),
    leave: () => transport.sendLast(beacon('leave')),
    remember: (change) => {
      for (const field of ['user_id', 'community_id', 'division_id'] as const) {
        if (field in change) context[field] = change[field] || undefined;
      }
    },
  };
}
