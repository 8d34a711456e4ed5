/** Waits for a condition in tests, however busy the machine is. */
import { vi } from 'vitest';

const PATIENCE_MS = 20_000;

/** Resolves with what `check` gives once it no longer throws or rejects; fails with its last error. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: 5 });
}
