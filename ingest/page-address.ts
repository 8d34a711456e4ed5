/** What is kept of the addresses that a beacon names. The same pages are named again and again, so the latest are remembered. */
import { LRUCache } from 'lru-cache';
import { MAX_STORED_URL_LENGTH } from '../contract/beacon.ts';

const MAX_REFERRER_LENGTH = 500;
const REMEMBERED = 10_000;
const LONGEST_REMEMBERED = 500;

/**
 * Path plus the query parameters that name a campaign: anything else in a query may be personal. Of fragments those that are a
 * path, too, as applications have them that route by the fragment: others say where on a page, or hold tokens.
 * Empty where it is neither an http or https address nor a path.
 */
export const storedUrl = remembering((url) => {
  if (!isPageAddress(url)) return '';
  const { pathname, search, searchParams, hash } = new URL(url, 'http://page');
  const page = /^#!?\//.test(hash) ? pathname + hash.replace(/\?.*/, '') : pathname;
  if (search === '') return page.slice(0, MAX_STORED_URL_LENGTH);
  const kept = new URLSearchParams();
  for (const [name, value] of searchParams) {
    if (name === 'ref' || name.startsWith('utm_')) kept.append(name, value);
  }
  const query = kept.size === 0 ? '' : `?${kept}`;
  return `${page}${query}`.slice(0, MAX_STORED_URL_LENGTH);
});

/** Origin and path of the page before; empty where it is not an address. */
export const storedReferrer = remembering((referrer) => {
  if (!URL.canParse(referrer)) return '';
  const { origin, pathname, protocol } = new URL(referrer);
  return /^https?:$/.test(protocol) ? `${origin}${pathname}`.slice(0, MAX_REFERRER_LENGTH) : '';
});

function isPageAddress(url: string): boolean {
  if (url.startsWith('/')) return URL.canParse(url, 'http://page');
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}

function remembering(stored: (address: string) => string): (address: string) => string {
  const latest = new LRUCache<string, string>({ max: REMEMBERED });
  return (address) => {
    if (address.length > LONGEST_REMEMBERED) return stored(address);
    let known = latest.get(address);
    if (known === undefined) {
      known = stored(address);
      latest.set(address, known);
    }
    return known;
  };
}
