/** What is kept of the addresses that a beacon names. */
import { MAX_STORED_URL_LENGTH } from '../contract/beacon.ts';

const MAX_REFERRER_LENGTH = 500;

/**
 * Addresses that the parser of the URL standard gives back as they are, as nearly all are: a host of lower-case letters with a
 * top-level domain, or none, a path in which nothing is escaped and no segment begins with a dot, and a query of names and values that
 * mean what they are. The parser would take ten times as long.
 */
const PLAIN =
  /^(https?:\/\/(?:(?!xn--)[a-z0-9-]+\.)+[a-z]+(?=\/)|(?!\/\/))((?:\/(?!\.)[\w~!$&()*+,;=:@.-]*)+)(?:\?([\w.*-]+=[\w.*-]*(?:&[\w.*-]+=[\w.*-]*)*))?$/;

/**
 * Path plus the query parameters that name a campaign: anything else in a query may be personal. Of fragments those that are a
 * path, too, as applications have them that route by the fragment: others say where on a page, or hold tokens.
 * Empty where it is neither an http or https address nor a path.
 */
export function storedUrl(url: string): string {
  const [, , plainPath, plainQuery] = PLAIN.exec(url) ?? [];
  if (plainPath !== undefined) {
    const stored = plainQuery === undefined ? plainPath : plainPath + campaignIn(plainQuery);
    return stored.slice(0, MAX_STORED_URL_LENGTH);
  }
  const address = pageAddress(url);
  if (address === undefined) return '';
  const { pathname, search, searchParams, hash } = address;
  const page = /^#!?\//.test(hash) ? pathname + hash.replace(/\?.*/, '') : pathname;
  if (search === '') return page.slice(0, MAX_STORED_URL_LENGTH);
  const kept = new URLSearchParams();
  for (const [name, value] of searchParams) {
    if (isCampaign(name)) kept.append(name, value);
  }
  const query = kept.size === 0 ? '' : `?${kept}`;
  return `${page}${query}`.slice(0, MAX_STORED_URL_LENGTH);
}

function isCampaign(name: string): boolean {
  return name === 'ref' || name.startsWith('utm_');
}

/** Of a plain query, with its question mark. */
function campaignIn(query: string): string {
  const kept = query.split('&').filter((pair) => isCampaign(pair.slice(0, pair.indexOf('='))));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

/** Origin and path of the page before; empty where it is not an address. */
export function storedReferrer(referrer: string): string {
  const [, plainOrigin, plainPath] = PLAIN.exec(referrer) ?? [];
  if (plainOrigin && plainPath) return (plainOrigin + plainPath).slice(0, MAX_REFERRER_LENGTH);
  const address = parsed(referrer);
  if (address === undefined || !/^https?:$/.test(address.protocol)) return '';
  return `${address.origin}${address.pathname}`.slice(0, MAX_REFERRER_LENGTH);
}

function pageAddress(url: string): URL | undefined {
  if (url.startsWith('/')) return parsed(url, 'http://page');
  return /^https?:\/\//i.test(url) ? parsed(url) : undefined;
}

/** Not by `URL.canParse`: once it is optimised, that of Node 20 takes a host with ü for broken. */
function parsed(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
