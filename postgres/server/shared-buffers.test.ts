import { expect, it } from 'vitest';
import { sharedBuffersMiB } from './shared-buffers.ts';

const GIB = 1_024 ** 3;

it('takes a sixteenth of the memory for pages, and neither less than is needed nor more than is of use', () => {
  expect([1, 2, 4, 8, 16, 64].map((gib) => sharedBuffersMiB(gib * GIB))).toEqual([
    128, 128, 256, 512, 512, 512,
  ]);
});
