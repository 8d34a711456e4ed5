import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from './csv.ts';

describe('a line of CSV', () => {
  it('has numbers as they are, also below zero', () => {
    expect(csvLine(['2025-03-15', 12, -3, 0.5, 1e21])).toBe('2025-03-15,12,-3,0.5,1e+21\n');
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tcmd', "'\tcmd"],
    ['\r=1', "'\r=1"],
    ['\n=1', "'\n=1"],
    ['  =1+1', "'  =1+1"],
    ['＝1+1', "'＝1+1"],
    ['=HYPERLINK("http://evil.example","x")', `'=HYPERLINK("http://evil.example","x")`],
  ])('makes a text of what would be a formula: %j', (text, shown) => {
    expect(parse(csvLine([text, 1]))).toEqual([[shown, '1']]);
  });

  it.each(['/page', 'a=b', 'Québec', 'a,b', 'say "hi"', 'two\nlines', ''])(
    'has other texts as they are: %j',
    (text) => {
      expect(parse(csvLine([text, 1]))).toEqual([[text, '1']]);
    },
  );

  it('has no cell that a spreadsheet runs, whatever the text, and as many cells as were given', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 5 }), (texts) => {
        const [cells = []] = parse(csvLine(texts), { relax_column_count: true });
        expect(cells).toHaveLength(texts.length);
        for (const text of cells) expect(text).not.toMatch(/^\s*[=+\-@]/);
      }),
      { examples: [[['=', '"=']], [['\r', '\r\n-']]] },
    );
  });
});
