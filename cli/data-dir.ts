/** The folder of an installation. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { ConfigError } from '../config.ts';

/** @throws ConfigError where it cannot be made, or written */
export function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.W_OK);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      `DATA_DIR: ${dataDir} cannot be made or written (${why}). Set it to a folder that can, or change whose it is`,
      { cause },
    );
  }
}
