import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundleBeacon } from './bundle.ts';

const MAX_COMPRESSED_BYTES = 1.5 * 1024;

describe('beacon bundle', () => {
  it.each([true, false])('is one small classic script, with RESPECT_DNT=%s', async (respectDnt) => {
    const { code } = await bundleBeacon(respectDnt);
    expect(() => new Script(code)).not.toThrow();
    expect(code).not.toMatch(/\bimport\b|\bexport\b|sourceMappingURL|typebox|RESPECT_DNT/i);
    const bytes = gzipSync(code, { level: 9 }).byteLength;
    console.info(`beacon.js, RESPECT_DNT=${respectDnt}: ${bytes} bytes compressed, ${code.length} not`);
    expect(bytes).toBeLessThanOrEqual(MAX_COMPRESSED_BYTES);
  });

  it('has an ETag that changes only with the code', async () => {
    const [first, second, other] = await Promise.all([true, true, false].map(bundleBeacon));
    expect(first).toEqual(second);
    expect(first?.etag).toMatch(/^"[\w-]{20,}"$/);
    expect(other?.etag).not.toBe(first?.etag);
  });
});
