/** The folder of an installation. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../config.ts';

/** @throws ConfigError where it cannot be made */
export function makeDataDir(dataDir: string): void {
  orRefused(dataDir, 'made', () => mkdirSync(dataDir, { recursive: true }));
}

/** A file right in it, for nobody else to read. @throws ConfigError where it cannot be written */
export function writeInDataDir(file: string, text: string): void {
  orRefused(dirname(file), 'written', () => writeFileSync(file, text, { mode: 0o600 }));
}

function orRefused(dataDir: string, what: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      `DATA_DIR: ${dataDir} cannot be ${what} (${why}). Set it to a folder that can, or change whose it is`,
      { cause },
    );
  }
}
