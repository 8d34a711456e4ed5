/** Identifiers of beacons and of the tab. */

const SESSION_KEY = 'footfall.session';

/** A random UUID. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
export function uuid(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte, at) => {
    const marked = at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte;
    return (marked + 0x100).toString(16).slice(1);
  }).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** The same as long as the tab is open, or as long as the page where storage is blocked. */
export function sessionId(): string {
  try {
    const known = sessionStorage.getItem(SESSION_KEY);
    if (known) return known;
    const made = uuid();
    sessionStorage.setItem(SESSION_KEY, made);
    return made;
  } catch {
    return uuid();
  }
}
