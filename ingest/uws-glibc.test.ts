import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withoutGlibc238 } from './uws-elf.ts';
import { loadCopy, wantsGlibc238 } from './uws-glibc.ts';

const {
  platform,
  arch,
  versions: { modules },
} = process;
const require = createRequire(import.meta.url);
const ABI_OF_NODE_20 = '115';
const MISSING = "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /x/uws.node)";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'footfall-copy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a copy of an addon', () => {
  test('loads, and leaves no file behind', () => {
    const addon = readFileSync(require.resolve(`uWebSockets.js/uws_${platform}_${arch}_${modules}.node`));
    const needsGlibc238 = platform === 'linux' && modules !== ABI_OF_NODE_20;
    expect(loadCopy(needsGlibc238 ? withoutGlibc238(addon) : addon, folder)).toHaveProperty('App');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('leaves no file behind when it cannot be loaded', () => {
    expect(() => loadCopy(Buffer.from('no addon'), folder)).toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('only a lack of glibc 2.38 calls for a copy', () => {
  expect(wantsGlibc238(`Error: ${MISSING}`)).toBe(true);
  expect(wantsGlibc238(MISSING.replace('2.38', '2.36'))).toBe(false);
  expect(wantsGlibc238("Cannot find module './uws_linux_x64_999.node'")).toBe(false);
});
