/**
 * The script that site pages load: `<script src="https://COLLECTOR/beacon.js" defer></script>`.
 *
 * Its attributes are the options in `public.ts`, after `data-`: `data-user`, `data-community`, `data-division`, `data-auto="false"`,
 * `data-hash`, `data-heartbeat`, `data-endpoint` (by default `e` beside the script). It defines `footfall(command, fields)`.
 *
 * Before it has loaded: `window.footfall = window.footfall || function () { (footfall.q = footfall.q || []).push(arguments) }`.
 * These calls are made before the first automatic page view.
 */
import { attempt } from './attempt.ts';
import { start } from './start.ts';

attempt(() => {
  const { dataset, src } = document.currentScript as HTMLScriptElement;
  start({ heartbeat: 15, endpoint: new URL('e', src) as unknown as string, ...dataset });
});
