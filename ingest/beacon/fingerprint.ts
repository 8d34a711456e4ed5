/** Tells one browser from another by what it shows of itself without being asked for permission. */
import { hash128 } from './hash.ts';

/** The same at every page load of a browser. A signal that is blocked counts as empty. */
export function fingerprint(): string {
  return hash128(SIGNALS.map(read).join('\n'));
}

const SIGNALS: readonly (() => unknown)[] = [
  () => navigator.userAgent,
  () => navigator.languages,
  () => Intl.DateTimeFormat().resolvedOptions().timeZone,
  // The longer side first, so that turning a phone changes nothing.
  () => Math.max(screen.width, screen.height),
  () => Math.min(screen.width, screen.height),
  () => screen.colorDepth,
  () => navigator.hardwareConcurrency,
  () => (navigator as Navigator & { deviceMemory?: number }).deviceMemory,
  () => navigator.platform,
  () => navigator.maxTouchPoints,
  stableDrawing,
  graphicsCard,
];

function read(signal: () => unknown): string {
  try {
    return String(signal() ?? '');
  } catch {
    return '';
  }
}

/** Browsers that guard against this add noise to each drawing: then two differ, and drawings tell nothing. */
function stableDrawing(): string {
  const first = drawing();
  return first === drawing() ? first : '';
}

function drawing(): string {
  const canvas = document.createElement('canvas');
  canvas.width = 240;
  canvas.height = 40;
  const context = canvas.getContext('2d');
  if (context === null) return '';
  context.textBaseline = 'top';
  context.font = '16px Arial, sans-serif';
  context.fillStyle = '#f60';
  context.fillRect(90, 2, 70, 20);
  context.fillStyle = '#069';
  context.fillText('Footfall, \u{1f463} 0123 \u00e6\u00df', 2, 12);
  context.fillStyle = 'rgba(80, 200, 0, 0.7)';
  context.fillText('Footfall, \u{1f463} 0123 \u00e6\u00df', 4, 15);
  return canvas.toDataURL();
}

function graphicsCard(): string {
  const gl = document.createElement('canvas').getContext('webgl');
  if (gl === null) return '';
  const unmasked = gl.getExtension('WEBGL_debug_renderer_info');
  const names = [
    gl.getParameter(unmasked?.UNMASKED_VENDOR_WEBGL ?? gl.VENDOR),
    gl.getParameter(unmasked?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER),
  ];
  // Pages may hold few contexts: give this one back.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return names.join();
}
