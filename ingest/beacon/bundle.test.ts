import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundleBeacon } from './bundle.ts';

const MAX_BYTES = 7 * 1024;
const MAX_COMPRESSED_BYTES = 3.5 * 1024;

describe('beacon bundle', () => {
  it('is one small classic script', async () => {
    const { code } = await bundleBeacon();
    expect(() => new Script(code)).not.toThrow();
    expect(code).not.toMatch(/\bimport\b|\bexport\b|sourceMappingURL|typebox/i);
    expect(Buffer.byteLength(code)).toBeLessThan(MAX_BYTES);
    expect(gzipSync(code).byteLength).toBeLessThan(MAX_COMPRESSED_BYTES);
  });

  it('has an ETag that changes only with the code', async () => {
    const [first, second] = await Promise.all([bundleBeacon(), bundleBeacon()]);
    expect(first).toEqual(second);
    expect(first.etag).toMatch(/^"[\w-]{20,}"$/);
  });
});
