/**
 * The script that site pages load: `<script src="https://COLLECTOR/beacon.js" defer></script>`.
 *
 * Attributes (all optional):
 * - `data-user-id`, `data-community-id`, `data-division-id`: who is here, where on the platform, where they belong
 * - `data-auto="false"`: send no page view by itself
 * - `data-hash-routing`: the part of an address after `#` names the page
 * - `data-heartbeat-seconds`: default 15, 0 for none
 * - `data-endpoint`: where beacons go, default `/e` on the origin of the script
 *
 * Calls:
 * - `footfall.identify(userId, { community_id, division_id })`: the visitor signed in
 * - `footfall.forget()`: the visitor signed out
 * - `footfall.page({ community_id, division_id })`: sets where the visitor is and sends a page view. An automatic view
 *   of the same page that has not been sent yet is not sent any more. null clears a field.
 *
 * Before the script has loaded: `(window.footfall = window.footfall || { q: [] }).q.push(['identify', userId])`.
 * Queued calls are made before the first automatic page view. `q.push` works afterwards too.
 */
import { watchPage, whenActive } from './page-life.ts';
import { readSettings, type Settings } from './settings.ts';
import { transport } from './transport.ts';
import { startVisit, type Visit } from './visit.ts';

type Place = { [Field in 'community_id' | 'division_id']?: string | null | undefined };
type Command =
  | ['identify', string | number, (Place | undefined)?]
  | ['forget']
  | ['page', (Place | undefined)?];

interface Footfall {
  identify(userId: string | number, place?: Place): void;
  forget(): void;
  page(place?: Place): void;
  q: { push(...commands: Command[]): void };
}

declare global {
  interface Window {
    footfall?: Footfall | { q: Command[] };
  }
}

/** Nothing that goes wrong here may reach the page. */
function guard(work: () => void): void {
  try {
    work();
  } catch (error) {
    console.warn('footfall:', error);
  }
}

function run(visit: Visit, command: Command): void {
  switch (command[0]) {
    case 'identify':
      if ((command[1] ?? '') === '') throw new TypeError('identify needs a user id');
      visit.remember(command[2] ?? {});
      visit.identify(String(command[1]));
      break;
    case 'forget':
      visit.remember({ user_id: null });
      break;
    case 'page':
      visit.remember(command[1] ?? {});
      visit.view();
  }
}

function start(settings: Settings, queued: readonly Command[]): void {
  let visit: Visit | undefined;
  const push = (...commands: Command[]) =>
    whenActive(() => {
      for (const command of commands) guard(() => visit && run(visit, command));
    });
  window.footfall = {
    identify: (userId, place) => push(['identify', userId, place]),
    forget: () => push(['forget']),
    page: (place) => push(['page', place]),
    q: { push },
  };
  whenActive(() =>
    guard(() => {
      visit = startVisit(settings, transport(settings.endpoint));
      push(...queued);
      watchPage(visit, settings, guard);
    }),
  );
}

guard(() => {
  const present = window.footfall;
  const queued = present?.q ?? [];
  // The script is on the page twice: the first one does the work.
  if (!Array.isArray(queued)) return;
  const script = document.currentScript ?? document.querySelector('script[src$="/beacon.js"]');
  const settings = readSettings(script instanceof HTMLScriptElement ? script : null);
  if (settings === undefined) throw new TypeError('no script element or data-endpoint says where beacons go');
  start(settings, queued);
});
