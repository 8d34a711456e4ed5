/** Watches what happens to the page, and has the visit say it: views, heartbeats, leaving, coming back. */
import type { Settings } from './settings.ts';
import type { Visit } from './visit.ts';

export function watchPage(visit: Visit, settings: Settings, guard: (work: () => void) => void): void {
  const { automatic, hashRouting, heartbeatMs } = settings;

  if (automatic) {
    // Applications set the title after they have changed the address: look when they are done.
    const moved = () => void setTimeout(() => guard(visit.viewIfMoved));
    hook('pushState', moved);
    hook('replaceState', moved);
    addEventListener('popstate', moved);
    if (hashRouting) addEventListener('hashchange', moved);
    guard(visit.viewIfMoved);
  }

  if (heartbeatMs > 0) {
    setInterval(() => {
      if (document.visibilityState === 'visible') guard(visit.heartbeat);
    }, heartbeatMs);
  }

  addEventListener('pagehide', () => guard(visit.leave));
  addEventListener('pageshow', ({ persisted }) => {
    // Where the visitor comes back from, the browser does not tell.
    if (persisted && automatic) guard(() => visit.view(''));
  });
}

function hook(name: 'pushState' | 'replaceState', moved: () => void): void {
  const original = history[name];
  history[name] = (...change) => {
    original.apply(history, change);
    moved();
  };
}

/** Runs once the page is really shown: at once, or when a prerendered page is activated. */
export function whenActive(work: () => void): void {
  if ((document as Document & { prerendering?: boolean }).prerendering) {
    document.addEventListener('prerenderingchange', work, { once: true });
  } else {
    work();
  }
}
