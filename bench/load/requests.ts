/** Requests as browsers make them, ready to be sent: one seed makes the same requests every time. */
import { writeFileSync } from 'node:fs';
import type { Beacon } from '../../contract/beacon.ts';
import { seeded } from '../../integrity/random.ts';

const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0',
] as const;
const LANGUAGES = ['en-GB', 'en-US', 'de-DE', 'fr-FR', 'pt-BR', 'ja-JP'] as const;
const SCREENS = ['1920x1080', '390x844', '412x915', '1440x900', '2560x1440'] as const;
const PAGES = 5_000;
/** Pages are looked at by rank to this power: the first of them far more often than the last. */
const SKEW = 3;
/** Of page views: they come from a campaign, so their address has more than the page. */
const FROM_CAMPAIGN = 0.1;

export interface RequestMix {
  seed: number;
  /** Different ones; a sender begins again at the end. */
  requests: number;
  /** In one request; 1: no array. */
  beacons: number;
  /** Who send them. */
  visitors: number;
}

/** Each with its head, about 300 bytes of body a beacon. The address of the visitor is in `X-Forwarded-For`. */
export function requestsOf({ seed, requests, beacons, visitors }: RequestMix): Buffer[] {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <Item>(items: readonly Item[]) => items[below(items.length)] as Item;
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('');
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  const page = () => `https://www.example.org/articles/${Math.floor(PAGES * random() ** SKEW)}`;
  const fingerprints = Array.from({ length: visitors }, () => hex(32));

  const beacon = (): Beacon => ({
    type: 'page_view',
    url: random() < FROM_CAMPAIGN ? `${page()}?utm_source=newsletter&fbclid=${hex(20)}` : page(),
    fingerprint: pick(fingerprints),
    session_id: hex(16),
    event_id: uuid(),
    referrer: page(),
    title: 'How visitors find their way through a large platform',
    language: pick(LANGUAGES),
    screen: pick(SCREENS),
  });
  return Array.from({ length: requests }, () => {
    const body = JSON.stringify(beacons === 1 ? beacon() : Array.from({ length: beacons }, beacon));
    const address = `${1 + below(223)}.${below(256)}.${below(256)}.${1 + below(254)}`;
    const head = [
      'POST /e HTTP/1.1',
      'Host: 127.0.0.1',
      `User-Agent: ${pick(USER_AGENTS)}`,
      'Accept: */*',
      `Accept-Language: ${pick(LANGUAGES)}`,
      'Content-Type: text/plain;charset=UTF-8',
      'Origin: https://www.example.org',
      `X-Forwarded-For: ${address}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}

/** Each request after its length in decimal on a line. */
export function writeRequests(file: string, requests: readonly Buffer[]): void {
  writeFileSync(
    file,
    Buffer.concat(
      requests.flatMap((request) => [Buffer.from(`${request.length}\n`), request, Buffer.from('\n')]),
    ),
  );
}
