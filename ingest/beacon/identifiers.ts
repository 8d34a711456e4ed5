/** Identifiers of beacons and of the tab. They tell apart, and are no secrets. */
import { attempt } from './attempt.ts';

/** A random UUID of version 4. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
export const uuid = (): string =>
  'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => ((Math.random() * 16) | 0).toString(16));

/** The same as long as the tab is open, or as long as the page where storage is blocked. */
export const sessionId = (): string => attempt(() => (sessionStorage.footfall ||= uuid())) || uuid();
