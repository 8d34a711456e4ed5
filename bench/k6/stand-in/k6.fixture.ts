/** `k6`. */
import { record } from './metrics.fixture.ts';

export const checks = new Map<string, { name: string; passes: number; fails: number }>();

export function check<Value>(value: Value, sets: Record<string, (value: Value) => boolean>): boolean {
  const results = Object.entries(sets).map(([name, passes]) => {
    const count = checks.get(name) ?? { name, passes: 0, fails: 0 };
    checks.set(name, count);
    const ok = passes(value);
    if (ok) count.passes++;
    else count.fails++;
    record('checks', 'rate', 'default', Number(ok));
    return ok;
  });
  return results.every(Boolean);
}

export function sleep(seconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1_000);
}
