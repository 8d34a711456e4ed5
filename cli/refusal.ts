/** Failures that no restart mends: a setting has to be changed first, or another version started. */
import { ConfigError } from '../config.ts';
import { EngineUrlError } from '../engine.ts';

/** sysexits.h: EX_CONFIG */
export const EXIT_CONFIG = 78;
/** Of the errors of the log and the stores. */
const CODES = ['newer_schema', 'newer_layout', 'wrong_partitions', 'other_zone'];

/** Its message is for a person, who needs no stack trace. */
export function isRefusal(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof EngineUrlError) return true;
  return error instanceof Error && 'code' in error && CODES.includes(String(error.code));
}

/** Of a process that ends because of it. */
export function exitCodeOf(error: unknown): number {
  return isRefusal(error) ? EXIT_CONFIG : 1;
}
