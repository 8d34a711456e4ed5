import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { withoutGlibc238 } from './uws-elf.ts';

const require = createRequire(import.meta.url);

function binary(name: string): Buffer {
  return readFileSync(require.resolve(`uWebSockets.js/uws_${name}.node`));
}

/** By how much each word of 32 bits differs. */
function differences(before: Buffer, after: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + 4 <= before.length; at += 4) {
    const difference = after.readUInt32LE(at) - before.readUInt32LE(at);
    if (difference !== 0) found.push(difference);
  }
  return found;
}

describe('an addon built against glibc 2.38', () => {
  test.each([
    { name: 'linux_x64_127', functions: 3 },
    { name: 'linux_x64_137', functions: 3 },
    { name: 'linux_arm64_127', functions: 2 },
    { name: 'linux_arm64_137', functions: 2 },
  ])(
    '$name changes in $functions names of functions and in one version, nowhere else',
    ({ name, functions }) => {
      const before = binary(name);
      const after = withoutGlibc238(before);
      expect(after).toHaveLength(before.length);
      const changed = differences(before, after);
      expect(changed.filter((difference) => difference === '__isoc23_'.length)).toHaveLength(functions);
      // The hash of the version and its name.
      expect(changed).toHaveLength(functions + 2);
    },
  );

  test('is left as it was: only the copy changes', () => {
    const addon = binary('linux_x64_127');
    const before = Buffer.from(addon);
    withoutGlibc238(addon);
    expect(addon.equals(before)).toBe(true);
  });

  test('is refused once it has been changed', () => {
    const changed = withoutGlibc238(binary('linux_x64_127'));
    expect(() => withoutGlibc238(changed)).toThrow(/cannot be relinked.*GLIBC_2\.38/);
  });

  test('is refused when it needs another function of that version', () => {
    const addon = binary('linux_x64_127');
    addon.write('__isoc23_strfmon\0', addon.indexOf('__isoc23_strtoul\0', 0, 'latin1'), 'latin1');
    expect(() => withoutGlibc238(addon)).toThrow(/it needs __isoc23_strfmon of GLIBC_2\.38/);
  });

  test('is refused at whatever place of its tables it was cut off', () => {
    const addon = binary('linux_x64_127');
    for (const size of [0, 4, 20, 64, 4_096, 0x30_000, 0x80_000, addon.length - 64]) {
      expect(() => withoutGlibc238(addon.subarray(0, size)), `${size} bytes`).toThrow();
    }
  });
});

describe('any other file is refused', () => {
  test.each([
    ['darwin_arm64_127', /no ELF file of 64 bits/],
    ['linux_arm_115', /no ELF file of 64 bits/],
    ['linux_x64_115', /GLIBC_2\.38 of libc\.so\.6/],
  ])('%s', (name, reason) => {
    expect(() => withoutGlibc238(binary(name))).toThrow(reason);
  });

  test('an addon of another architecture', () => {
    const addon = binary('linux_x64_127');
    addon.writeUInt16LE(0xf3, 18);
    expect(() => withoutGlibc238(addon)).toThrow(/neither for x64 nor for arm64/);
  });
});
