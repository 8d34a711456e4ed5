/** Makes the one file that browsers load out of the beacon's modules. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('./beacon.ts', import.meta.url));

/**
 * @param respectDnt whether the script does nothing where a browser says Do Not Track or Global Privacy Control
 * @returns the script, and a strong ETag of it with its quotes
 * @throws when a module does not compile
 */
export async function bundleBeacon(respectDnt: boolean): Promise<{ code: string; etag: string }> {
  const {
    outputFiles: [script],
  } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    // Browsers since 2020.
    target: 'es2021',
    charset: 'utf8',
    minify: true,
    define: { RESPECT_DNT: String(respectDnt) },
    legalComments: 'none',
    // The settings of the server's own modules are not the browser's.
    tsconfigRaw: {},
  });
  if (script === undefined) throw new Error('esbuild made no script');
  const code = script.text;
  return { code, etag: `"${createHash('sha256').update(code).digest('base64url').slice(0, 27)}"` };
}
