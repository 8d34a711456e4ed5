import fc from 'fast-check';
import { expect, test } from 'vitest';
import { storedReferrer, storedUrl } from './page-address.ts';

const PIECES = [
  ...[
    'http://',
    'https://',
    'HTTPS://',
    'ftp://',
    '//',
    '/',
    './',
    '../',
    '/.',
    '\\',
    'a',
    'b.c',
    'example.org',
    'Example.org',
  ],
  ...[
    'xn--',
    '1',
    '0x1',
    '127.0.0.1',
    '[::1]',
    '-',
    '.',
    ':',
    ':8080',
    ':443',
    '@',
    'u:p@',
    '%',
    '%2e',
    '%41',
    '~',
    '|',
    '^',
  ],
  ...[
    '?',
    'ref=1',
    'ref',
    'utm_source=x',
    'utm_',
    '=',
    '+',
    '&',
    'q=1',
    '#',
    '#/',
    '#!/',
    ' ',
    '\t',
    "'",
    '"',
    '{',
    'ü',
    '\u{1f463}',
    '\ud800',
    'p'.repeat(300),
  ],
];
const QUERY_PIECES = ['utm_a', 'ref', 'q', '=', '&', 'x.1', '~', '*', '+', '-', '%20', '%', '#', "'", 'ü'];
const address = fc.oneof(
  fc
    .array(fc.constantFrom(...QUERY_PIECES), { maxLength: 8 })
    .map((pieces) => `https://example.org/a?${pieces.join('')}`),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => pieces.join('')),
  fc
    .array(fc.constantFrom(...PIECES), { maxLength: 6 })
    .map((pieces) => `https://example.org/${pieces.join('')}`),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc
    .array(fc.constantFrom('a', 'xn--a', 'xn--ls8h', 'axn--a', 'a--b', '-a', 'a-'), {
      minLength: 1,
      maxLength: 3,
    })
    .map((labels) => `https://${labels.join('.')}.org/a`),
);

function parsed(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

test('what is kept of an address is what the URL standard reads in it', () => {
  fc.assert(
    fc.property(address, (text) => {
      const read = text.startsWith('/')
        ? parsed(text, 'http://page')
        : /^https?:\/\//i.test(text)
          ? parsed(text)
          : undefined;
      if (read === undefined) {
        expect(storedUrl(text)).toBe('');
        return;
      }
      const { pathname, searchParams, hash } = read;
      const campaign = [...searchParams].filter(([name]) => name === 'ref' || name.startsWith('utm_'));
      const route = /^#!?\//.test(hash) ? hash.split('?', 1)[0] : '';
      const query = campaign.length === 0 ? '' : `?${new URLSearchParams(campaign)}`;
      expect(storedUrl(text)).toBe(`${pathname}${route}${query}`.slice(0, 500));
    }),
    { numRuns: 20_000 },
  );
});

test('what is kept of a referrer is origin and path as the URL standard reads them', () => {
  fc.assert(
    fc.property(address, (text) => {
      const read = parsed(text);
      const isWeb = read !== undefined && /^https?:$/.test(read.protocol);
      expect(storedReferrer(text)).toBe(isWeb ? `${read.origin}${read.pathname}`.slice(0, 500) : '');
    }),
    { numRuns: 20_000 },
  );
});

test('addresses that would take a regular expression back again and again are read', () => {
  expect(storedUrl(`https://${'a.'.repeat(30_000)}`)).toBe('/');
  expect(storedUrl(`/${'a/'.repeat(30_000)}%`)).toHaveLength(500);
  expect(storedUrl(`${'/'.repeat(60_000)} `)).toBe('');
});

test('a host that is not ASCII is read, however often', () => {
  for (let i = 0; i < 20_000; i++) expect(storedUrl(`https://ü.example/${i}`)).toBe(`/${i}`);
});
