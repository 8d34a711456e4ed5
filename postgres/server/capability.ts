/** Finds the one capability that the account of a server needs to reach its files, where root starts it. */
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Owner {
  uid: number;
  gid: number;
}

/** Numbers of capabilities(7). */
const CAPABILITIES = { dac_override: 1n, dac_read_search: 2n };
export type Capability = keyof typeof CAPABILITIES;

const ENTER = 0o1;
const READ_AND_RUN = 0o5;

/**
 * None when `account` may enter every folder above `place` and run `program`. Otherwise the right to enter and read
 * whatever there is; only where this process lacks that itself, as root in a container does, or where the program was
 * installed for root alone, also the right to write.
 */
export async function capabilityFor(
  account: Owner,
  place: string,
  program: string,
  held?: bigint,
): Promise<Capability | undefined> {
  const runs = await allows(program, account, READ_AND_RUN);
  if (runs && (await mayReach(account, place)) && (await mayReach(account, program))) return undefined;
  const wanted: Capability[] = runs ? ['dac_read_search', 'dac_override'] : ['dac_override'];
  const available = held ?? (await ownCapabilities());
  return wanted.find((one) => (available >> CAPABILITIES[one]) & 1n);
}

async function mayReach(account: Owner, path: string): Promise<boolean> {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if (!(await allows(dirname(at), account, ENTER))) return false;
  }
  return true;
}

/** By the mode bits alone, as for an account without further groups. */
async function allows(path: string, account: Owner, bits: number): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  const granted = uid === account.uid ? mode >> 6 : gid === account.gid ? mode >> 3 : mode;
  return (granted & bits) === bits;
}

/** What this process is permitted, a bit each; nothing where the system has no capabilities. */
async function ownCapabilities(): Promise<bigint> {
  if (process.platform !== 'linux') return 0n;
  const [, digits = '0'] = /^CapPrm:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
  return BigInt(`0x${digits}`);
}
