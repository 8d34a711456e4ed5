import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capabilityFor } from './capability.ts';

const OVERRIDE = 0b010n;
const SEARCH = 0b100n;
const STRANGER = { uid: 4_000_000, gid: 4_000_000 };

let top: string;
let place: string;
let program: string;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'footfall-capability-'));
  place = join(top, 'above/data');
  program = join(top, 'bin/postgres');
  await chmod(top, 0o755);
  for (const folder of ['above', 'bin']) await mkdir(join(top, folder), { mode: 0o755 });
  await writeFile(program, '', { mode: 0o755 });
});
afterEach(() => rm(top, { recursive: true }));

describe('an account that is not the owner', () => {
  it('needs no capability where it may enter every folder above, and run the program', async () => {
    expect(await capabilityFor(STRANGER, place, program, OVERRIDE | SEARCH)).toBeUndefined();
  });

  it('need not be allowed to list the folders', async () => {
    await chmod(join(top, 'above'), 0o701);
    expect(await capabilityFor(STRANGER, place, program, OVERRIDE | SEARCH)).toBeUndefined();
  });

  it.each(['', 'above', 'bin'])('needs to search where it may not enter "%s"', async (folder) => {
    await chmod(join(top, folder), 0o750);
    expect(await capabilityFor(STRANGER, place, program, OVERRIDE | SEARCH)).toBe('dac_read_search');
  });

  it('overrides where the starter may not give it the right to search', async () => {
    await chmod(join(top, 'above'), 0o700);
    expect(await capabilityFor(STRANGER, place, program, OVERRIDE)).toBe('dac_override');
    expect(await capabilityFor(STRANGER, place, program, 0n)).toBeUndefined();
  });

  it('overrides where the program was installed for its owner alone', async () => {
    await chmod(program, 0o700);
    expect(await capabilityFor(STRANGER, place, program, OVERRIDE | SEARCH)).toBe('dac_override');
  });
});

it('goes by the rights of the owner, then of the group, then of others, as the system does', async () => {
  const { uid, gid } = await stat(top);
  const member = { ...STRANGER, gid };
  await chmod(join(top, 'above'), 0o710);
  expect(await capabilityFor({ uid, gid }, place, program, SEARCH)).toBeUndefined();
  expect(await capabilityFor(member, place, program, SEARCH)).toBeUndefined();
  await chmod(join(top, 'above'), 0o701);
  expect(await capabilityFor(member, place, program, SEARCH)).toBe('dac_read_search');
  await chmod(join(top, 'above'), 0o077);
  expect(await capabilityFor({ uid, gid }, place, program, SEARCH)).toBe('dac_read_search');
});
