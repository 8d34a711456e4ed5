import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedLines, type Line } from './lines.ts';

async function read(chunks: Buffer[], maxBytes = 8): Promise<Line[]> {
  async function* given() {
    yield* chunks;
  }
  const lines: Line[] = [];
  for await (const some of boundedLines(given(), maxBytes)) lines.push(...some);
  return lines;
}

const text = (...parts: string[]) => parts.map((part) => Buffer.from(part));

describe('lines', () => {
  it.each([
    ['end in a line feed, or at the end of the file', text('one\ntwo'), ['one', 'two']],
    ['have no more after the last line feed', text('one\n'), ['one']],
    ['may be empty', text('\n\none\n'), ['', '', 'one']],
    [
      'may end in carriage return and line feed',
      text('one\r\ntwo\r', '\nthree\r\n'),
      ['one', 'two', 'three'],
    ],
    ['are put together from chunks', text('o', 'ne\nt', 'wo\n', '', 'three'), ['one', 'two', 'three']],
    ['keep what other programs take for the end of a line', text('a\u2028b\u0085\n'), ['a\u2028b\u0085']],
    ['may be as long as they may be', text('12345678\r\n12345678\n'), ['12345678', '12345678']],
    ['are not given when longer', text('123456789\nnext\n'), [undefined, 'next']],
    ['are not given when longer in bytes', text('ééééé\nnext\n'), [undefined, 'next']],
    ['are not given when longer, at the end of the file', text('one\n1234', '56789'), ['one', undefined]],
    ['are not given when longer by the carriage return of another', text('12345678\r\r\n'), [undefined]],
  ])('%s', async (_, chunks, lines) => {
    expect(await read(chunks)).toEqual(lines);
  });

  it('are the same however the file comes in chunks', async () => {
    const lines = fc.array(
      fc.string({ unit: 'grapheme', maxLength: 12 }).filter((line) => !/[\r\n]/.test(line)),
    );
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (given, sizes) => {
          const file = Buffer.from(given.map((line) => `${line}\n`).join(''));
          const chunks: Buffer[] = [];
          for (let at = 0, n = 0; at < file.length; n += 1) {
            const size = sizes[n % sizes.length] ?? 1;
            chunks.push(file.subarray(at, at + size));
            at += size;
          }
          const expected = given.map((line) => (Buffer.byteLength(line) > 8 ? undefined : line));
          expect(await read(chunks)).toEqual(expected);
        },
      ),
    );
  });
});
