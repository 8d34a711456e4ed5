/** Files of requests, each written once for the life of a bench. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requestsOf, writeRequests } from '../load/requests.ts';

const BEACONS = 100_000;
const VISITORS = 40_000;

export class Loads {
  readonly #folder = mkdtempSync(join(tmpdir(), 'footfall-bench-'));
  readonly #files = new Map<number, string>();

  /** @param beacons in each request */
  of(beacons: number): string {
    let file = this.#files.get(beacons);
    if (file === undefined) {
      file = join(this.#folder, `requests-${beacons}`);
      const requests = Math.min(50_000, Math.ceil(BEACONS / beacons));
      writeRequests(file, requestsOf({ seed: 1, requests, beacons, visitors: VISITORS }));
      this.#files.set(beacons, file);
    }
    return file;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
