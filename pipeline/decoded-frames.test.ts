import { expect, it } from 'vitest';
import type { Frame } from '../kafka/port.ts';
import { DecodedFrames } from './decoded-frames.ts';
import { event } from './events.fixture.ts';

const frame = (offset: number, title: string): Frame => ({
  offset,
  body: Buffer.from(`${JSON.stringify(event({ title }))}\n`),
});

it('decodes a frame once for both readers, whoever comes first', () => {
  const frames = new DecodedFrames();
  const first = frames.lines('presence', 0, frame(1, 'a'));
  expect(frames.lines('counting', 0, frame(1, 'a'))).toBe(first);
  const second = frames.lines('counting', 0, frame(2, 'b'));
  expect(frames.lines('presence', 0, frame(2, 'b'))).toBe(second);
});

it('keeps nothing that both have had', () => {
  const frames = new DecodedFrames();
  const first = frames.lines('presence', 0, frame(1, 'a'));
  frames.lines('counting', 0, frame(1, 'a'));
  const again = frames.lines('counting', 0, frame(1, 'a'));
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
});

it('tells partitions apart, and frames of one offset that say something else', () => {
  const frames = new DecodedFrames();
  frames.lines('presence', 0, frame(1, 'a'));
  expect(frames.lines('counting', 1, frame(1, 'b'))).toMatchObject([{ event: { title: 'b' } }]);
  expect(frames.lines('counting', 0, frame(1, 'c'))).toMatchObject([{ event: { title: 'c' } }]);
});
