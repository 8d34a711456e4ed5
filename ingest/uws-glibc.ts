/**
 * Loads the addon of uWebSockets.js on a glibc before 2.38, such as Debian 12's.
 *
 * The binaries for Node 22 and 24 are built on Ubuntu 24.04, and no package on npm has them built on anything older.
 * All they want of glibc 2.38 is another name for `strtol` and two of its kin, so a copy that names the old functions
 * does the same (see uws-elf.ts). Running the collector on a Node 20 of its own from npm would do too, but brings a
 * second Node, without support since April 2026, and not the one that the operator chose.
 *
 * The copy is made afresh at every start, a few milliseconds, in a private folder which is gone again once the addon is
 * mapped: nobody can put another file in its place, and nothing becomes stale or is left to sweep.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withoutGlibc238 } from './uws-elf.ts';

const require = createRequire(import.meta.url);

/** Whether `reason` is what the loader says of an addon built against glibc 2.38. */
export function wantsGlibc238(reason: string): boolean {
  return reason.includes("/libc.so.6: version `GLIBC_2.38' not found");
}

/** @throws when the addon is not as expected, needs still more, or no folder lets programs be loaded from it */
export function loadForOlderGlibc(): unknown {
  const { platform, arch, versions } = process;
  const addon = require.resolve(`uWebSockets.js/uws_${platform}_${arch}_${versions.modules}.node`);
  const copy = withoutGlibc238(readFileSync(addon));
  try {
    return loadCopy(copy, tmpdir());
  } catch (inTemporary) {
    // Where /tmp is mounted noexec. Programs of this folder run already.
    try {
      return loadCopy(copy, dirname(addon));
    } catch (besideAddon) {
      throw new AggregateError(
        [inTemporary, besideAddon],
        `its copy could not be loaded; TMPDIR may name a folder from which programs may run. ${inTemporary}; ${besideAddon}`,
      );
    }
  }
}

/** Loads an addon from bytes, by way of a file in `folder` that is gone when this returns. */
export function loadCopy(addon: Buffer, folder: string): unknown {
  const own = mkdtempSync(join(folder, 'footfall-addon-'));
  try {
    const path = join(own, 'addon.node');
    writeFileSync(path, addon, { mode: 0o600 });
    return require(path);
  } finally {
    rmSync(own, { recursive: true });
  }
}
