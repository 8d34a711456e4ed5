/** Which answers are page views, and what is told of them. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Beacon } from '../../contract/beacon.ts';
import type { PageRequest } from './public.ts';

/** What the collector decides by, in the visitor's own words: country, browser, whether to count at all. */
const PASSED_ON = ['User-Agent', 'DNT', 'Sec-GPC', 'Sec-Purpose', 'Purpose', 'X-Purpose', 'X-Moz'];
const LONGEST_LANGUAGE = 35;

export function isPageView(method: string, status: number, contentType: unknown): boolean {
  return method === 'GET' && status >= 200 && status < 300 && /^text\/html\b/i.test(String(contentType));
}

/** Who is here, as the functions of the application say it. */
export interface Known {
  user: string | number | null | undefined;
  community: string | null | undefined;
  division: string | null | undefined;
}

export function beaconOf(request: PageRequest, known: Known, fingerprint: string): Beacon {
  const beacon: Beacon = { type: 'page_view', event_id: randomUUID(), url: request.url, fingerprint };
  const user = String(known.user ?? '');
  if (user !== '') beacon.user_id = user;
  if (known.community) beacon.community_id = known.community;
  if (known.division) beacon.division_id = known.division;
  const referrer = request.header('referer');
  if (referrer) beacon.referrer = referrer;
  const language = /^[\w-]+/.exec(request.header('accept-language') ?? '')?.[0];
  if (language && language.length <= LONGEST_LANGUAGE) beacon.language = language;
  return beacon;
}

export function headersOf(request: PageRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = request.header(name);
    if (value) headers[name] = value;
  }
  if (request.address !== '') headers['X-Forwarded-For'] = request.address;
  return headers;
}

/** The same for a visitor at every page, another for others, and nothing to anybody without the secret. */
export function hashedFingerprint(secret: string, request: PageRequest): string {
  const said = [request.address, request.header('user-agent') ?? '', request.header('accept-language') ?? ''];
  return createHmac('sha256', secret).update(said.join('|')).digest('hex');
}
