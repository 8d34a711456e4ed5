/** The pages that visitors read, and what brings them there. */
import { type Random, type Weighted, weighted, zipf } from './chance.ts';

const ORIGIN = 'https://example.org';
const ARTICLES = 400;
const SECTIONS = ['news', 'events', 'forum', 'market', 'jobs', 'map', 'weather', 'help'];
const WORDS = [
  'river',
  'council',
  'school',
  'market',
  'bridge',
  'museum',
  'library',
  'harbour',
  'festival',
  'transit',
];

export interface Page {
  readonly url: string;
  readonly title: string;
}

/** The most read first. */
export const PAGES: readonly Page[] = [
  { url: `${ORIGIN}/`, title: 'Example' },
  ...SECTIONS.map((section) => ({ url: `${ORIGIN}/${section}`, title: `${capital(section)} - Example` })),
  ...Array.from({ length: ARTICLES }, (_, n) => {
    const section = SECTIONS[n % SECTIONS.length] ?? '';
    const words = `${WORDS[n % WORDS.length]}-${WORDS[Math.floor(n / WORDS.length) % WORDS.length]}`;
    return { url: `${ORIGIN}/${section}/${words}-${n + 1}`, title: `${capital(words)} ${n + 1} - Example` };
  }),
];

interface Source extends Weighted {
  readonly referrer: string;
  readonly campaign: string;
}

const SOURCES: readonly Source[] = [
  { weight: 42, referrer: '', campaign: '' },
  { weight: 28, referrer: 'https://www.google.com/', campaign: '' },
  { weight: 5, referrer: 'https://www.bing.com/', campaign: '' },
  { weight: 4, referrer: 'https://duckduckgo.com/', campaign: '' },
  { weight: 6, referrer: 'https://www.reddit.com/', campaign: '' },
  { weight: 5, referrer: 'https://l.facebook.com/', campaign: '?utm_source=facebook&utm_medium=social' },
  { weight: 6, referrer: '', campaign: '?utm_source=newsletter&utm_medium=email&utm_campaign=weekly' },
  { weight: 4, referrer: 'https://t.co/', campaign: '?ref=share' },
];

/** Where a visit begins: an address with what brought the visitor, and the page they came from. */
export function landing(random: Random): Page & { referrer: string } {
  const page = anyPage(random);
  const source = weighted(SOURCES, random());
  return { ...page, url: page.url + (source?.campaign ?? ''), referrer: source?.referrer ?? '' };
}

export function anyPage(random: Random): Page {
  return PAGES[zipf(PAGES.length, random())] ?? { url: `${ORIGIN}/`, title: 'Example' };
}

/** One of a platform's ids, the first ones far more often. */
export function place(ids: readonly string[], share: number): string | undefined {
  return ids.length === 0 ? undefined : ids[zipf(ids.length, share)];
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1).replace(/-/g, ' ');
}
