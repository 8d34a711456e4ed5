/** A 128-bit hash for telling browsers apart: well mixed and small, not cryptographic. */

/** @returns four whole numbers of 32 bits, in decimal */
export const hash128 = (text: string): string =>
  // biome-ignore lint/style/useTemplate: shorter
  [1, 2, 3, 4].map((lane) => {
    // Twice, so that what the last characters say reaches every bit, too.
    for (const character of text + text) {
      lane = Math.imul(lane ^ character.charCodeAt(0), 99_999_989) ^ (lane >>> 16);
    }
    return lane;
  }) + '';
