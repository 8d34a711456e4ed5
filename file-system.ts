/** What Node's file system leaves to its callers. */
import { open } from 'node:fs/promises';

/** So that a power cut does not take a file away from its folder. */
export async function syncFolder(path: string): Promise<void> {
  await syncFile(path);
}

/** One that somebody else has written. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
