import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Community, Division } from './port.ts';
import { parseCommunities, parseDivisions, ReferenceDataError } from './reference-data.ts';

const HEADER = 'id,name,type,parent_id,country\n';
const CANADA = '60c89a05-1448-561f-a56f-9ee8ce4905d4';
const ONTARIO = '00000000-0000-4000-8000-00000000000a';

function shipped(name: string): string {
  return readFileSync(new URL(`./reference/${name}.csv`, import.meta.url), 'utf8');
}

function refusal(work: () => unknown): ReferenceDataError {
  try {
    work();
  } catch (error) {
    if (error instanceof ReferenceDataError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('divisions from CSV', () => {
  it('are read with quotes, a byte order mark, CRLF, empty lines and columns in any order', () => {
    const csv = `\uFEFFcountry,id,parent_id,type,name\r\n\r\nCA,${CANADA.toUpperCase()},,country,"Canada, ""the"" north"\r\n`;
    const expected: Division[] = [
      { id: CANADA, name: 'Canada, "the" north', type: 'country', parentId: null, country: 'CA' },
    ];
    expect(parseDivisions(csv)).toEqual(expected);
  });

  it('may name a parent further down or one that is stored', () => {
    const child = `${ONTARIO},Ontario,province,${CANADA},CA\n`;
    const parent = `${CANADA},Canada,country,,CA\n`;
    expect(parseDivisions(HEADER + child + parent)).toHaveLength(2);
    expect(parseDivisions(HEADER + child, [CANADA.toUpperCase()])).toHaveLength(1);
  });

  it.each([
    ['id', 'not-a-uuid,Ontario,province,,CA', 'must be a UUID'],
    ['name', `${ONTARIO},,province,,CA`, 'must have 1 to 200 characters'],
    ['type', `${ONTARIO},Ontario,Big Province,,CA`, 'must be lower-case letters'],
    ['parent_id', `${ONTARIO},Ontario,province,canada,CA`, 'must be empty or a UUID'],
    ['country', `${ONTARIO},Ontario,province,,Canada`, 'must be two capital letters'],
    [
      'parent_id',
      `${ONTARIO},Ontario,province,00000000-0000-4000-8000-00000000dead,CA`,
      'must name a division',
    ],
    ['parent_id', `${ONTARIO},Ontario,province,${ONTARIO},CA`, 'must not lead back'],
    ['id', `${CANADA},Canada,country,,CA`, 'must not stand in the file twice'],
    ['row', `${ONTARIO},Ontario`, 'is not CSV'],
  ])('are refused with the line, the field and the rule: %s of %s', (field, row, rule) => {
    const error = refusal(() => parseDivisions(`${HEADER}${CANADA},Canada,country,,CA\n${row}\n`));
    expect(error).toMatchObject({ line: 3, field, code: 'invalid', retryable: false });
    expect(error.message).toContain(`line 3: ${field} ${rule}`);
  });

  it('are refused when parents go round in a circle', () => {
    const csv = `${HEADER}${CANADA},Canada,country,${ONTARIO},CA\n${ONTARIO},Ontario,province,${CANADA},CA\n`;
    expect(refusal(() => parseDivisions(csv))).toMatchObject({ line: 2, field: 'parent_id' });
  });

  it('are refused under a header that lacks a column or has another', () => {
    expect(refusal(() => parseDivisions('id,name,type,country\n'))).toMatchObject({
      line: 1,
      field: 'parent_id',
    });
    expect(refusal(() => parseDivisions('id,name,type,parent_id,country,colour\n'))).toMatchObject({
      line: 1,
      field: 'colour',
    });
    expect(refusal(() => parseDivisions(''))).toMatchObject({ line: 1, field: 'row' });
  });
});

describe('communities from CSV', () => {
  it('belong to a known division or to none', () => {
    const csv = `id,name,division_id\n${ONTARIO},Chess,${CANADA}\n${CANADA},Go,\n`;
    const expected: Community[] = [
      { id: ONTARIO, name: 'Chess', divisionId: CANADA },
      { id: CANADA, name: 'Go', divisionId: null },
    ];
    expect(parseCommunities(csv, [CANADA])).toEqual(expected);
    expect(refusal(() => parseCommunities(csv, []))).toMatchObject({ line: 2, field: 'division_id' });
  });
});

describe('the reference data of Canada', () => {
  const divisions = parseDivisions(shipped('canada-divisions'));

  it('is a country, its 13 provinces and territories, and its 40 largest cities under them', () => {
    const count = (type: string) => divisions.filter((division) => division.type === type).length;
    expect(['country', 'province', 'territory', 'city'].map(count)).toEqual([1, 10, 3, 40]);
  });

  it('has communities of these divisions', () => {
    const communities = parseCommunities(
      shipped('canada-communities'),
      divisions.map(({ id }) => id),
    );
    expect(communities.length).toBeGreaterThanOrEqual(12);
    expect(communities.every(({ divisionId }) => divisionId !== null)).toBe(true);
  });
});
