/** The life of a page, told to the collector: views, who is here, signs of life, leaving, coming back. */
import type { BeaconType } from '../../contract/beacon.ts';
import { fingerprint } from './fingerprint.ts';
import { sessionId, uuid } from './identifiers.ts';
import { end, flush, keep, openOutbox, send } from './outbox.ts';

/** Options as `data-` attributes give them, and what `set` adds to them. */
export interface Settings {
  endpoint: string;
  user?: unknown;
  community?: unknown;
  division?: unknown;
  /** `'false'`: no page view is sent without being asked for. */
  auto?: string;
  /** Where it is there, the part of an address after `#` names the page. */
  hash?: string;
  /** Seconds, as a number or its text; 0: none. */
  heartbeat: number;
}

type Call = [command: string, fields?: Partial<Settings>];
/** What pages have until the script has loaded collects the calls; what they have then, is `on`. */
type PageFunction = { (...call: Call): void; q?: Call[]; on?: 1 };

declare global {
  /** Whether the collector respects what browsers say about tracking: a constant of the bundle. */
  const RESPECT_DNT: boolean;
  interface Window {
    footfall?: PageFunction;
  }
  interface Navigator {
    globalPrivacyControl?: boolean;
  }
  interface Document {
    prerendering?: boolean;
  }
}

export const wantsNone = () => navigator.globalPrivacyControl || navigator.doNotTrack === '1';

/** Once a page: where it is on already, nothing happens. */
export const start = (settings: Settings): void => {
  const stub = window.footfall;
  if (stub?.on) return;
  openOutbox(settings.endpoint);
  let visitor: string;
  let session: string;
  let viewed: string;
  let referrer = document.referrer;

  /** Never where the visitor does not want it; when it is activated where the page is prerendered. */
  const shown = new Promise<void>(
    (resolve: () => void) =>
      (RESPECT_DNT && wantsNone()) ||
      (document.prerendering ? document.addEventListener('prerenderingchange', resolve) : resolve()),
  );
  /** Nothing that goes wrong may reach the page. */
  const work = (task: () => void) => shown.then(task).catch(() => {});

  const page = () => location.href.replace('hash' in settings ? /\?[^#]*/ : /[?#].*/, '');
  /** In the order that compresses best. */
  const beacon = (type: BeaconType, from?: string) =>
    JSON.stringify(
      {
        language: navigator.language,
        session_id: session,
        division_id: settings.division,
        type,
        fingerprint: visitor,
        community_id: settings.community,
        title: document.title,
        referrer: from,
        // biome-ignore lint/style/useTemplate: shorter
        user_id: settings.user && settings.user + '',
        event_id: uuid(),
        screen: `${screen.width}x${screen.height}`,
        url: location.href,
      },
      (_field, value) => value || undefined,
    );

  const view = () => {
    viewed = page();
    keep(beacon('page_view', referrer));
    referrer = location.href;
  };
  /** Applications set the title after they have changed the address: looks when they are done. */
  const moved = () => settings.auto !== 'false' && setTimeout(() => work(() => viewed !== page() && view()));

  // biome-ignore lint/suspicious/noAssignInExpressions: shorter
  const footfall: PageFunction = (window.footfall = (command, fields) => {
    work(() => {
      const before = settings.user;
      Object.assign(settings, fields);
      if (command === 'page') view();
      else if (settings.user && settings.user !== before) keep(beacon('identify'));
    });
  });
  footfall.on = 1;

  work(() => {
    visitor = fingerprint();
    session = sessionId();
    stub?.q?.map((call) => footfall(...call));
    const hook = (name: 'pushState' | 'replaceState') => {
      const original = history[name];
      history[name] = (...change) => {
        original.apply(history, change);
        moved();
      };
    };
    hook('pushState');
    hook('replaceState');
    addEventListener('popstate', moved);
    addEventListener('pageshow', moved);
    addEventListener('online', flush);
    addEventListener('pagehide', () =>
      work(() => {
        end(beacon('leave'));
        // Where the visitor comes back from, if so, the browser does not tell.
        referrer = viewed = '';
      }),
    );
    if (settings.heartbeat > 0) {
      setInterval(() => document.hidden || work(() => send(beacon('heartbeat'))), settings.heartbeat * 1e3);
    }
    flush();
    moved();
  });
};
