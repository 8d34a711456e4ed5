/**
 * Visitors of a large platform, as bodies that cost little to make: twenty visitors who come at the same time share a request, which
 * is written once and then changed in place. A visit is a few events, some seconds apart; four of ten visitors had come before.
 */
import { randomBytes } from 'node:crypto';

export const EVENTS_A_REQUEST = 20;
/** A visit: what is sent, in turns. */
const VISIT = ['page_view', 'page_view', 'heartbeat', 'page_view', 'heartbeat', 'leave'] as const;
const EVENTS_A_VISIT = VISIT.length;
const SHARE_OF_RETURNING = 0.4;
const SHARE_SIGNED_IN = 0.2;
const PAGES = 5_000;
const PAGE_DIGITS = 5;
const NUMBER_DIGITS = 12;
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
];
const LANGUAGES = ['en-CA', 'fr-CA', 'en-US', 'de-DE'];
const SCREENS = ['1920x1080', '390x844', '1440x900', '412x915'];
const REFERRERS = ['https://www.google.com/', 'https://news.example.net/today', '', 'https://example.org/'];

/** Where in the body stands what changes. */
interface Place {
  type: number;
  page: number;
  fingerprint: number;
  session: number;
  user: number | undefined;
  eventId: number;
}

export interface Request {
  readonly bytes: Buffer;
  readonly places: readonly Place[];
  /** Which event of the visit comes next. */
  turn: number;
  pageViews: number;
}

export class Crowd {
  readonly #communities: readonly string[];
  readonly #divisions: readonly string[];
  /** Visitors who have come so far. */
  #visitors = 0;
  #visits = 0;
  #events = 0;
  #requests = 0;
  /** Ids of another run differ in this. */
  readonly #run = randomBytes(6).toString('hex');

  constructor(communities: readonly string[], divisions: readonly string[]) {
    this.#communities = communities;
    this.#divisions = divisions;
  }

  /** Twenty visitors, somewhere in their visit. */
  request(): Request {
    const number = this.#requests++;
    const places: Place[] = [];
    let body = '[';
    for (let n = 0; n < EVENTS_A_REQUEST; n++) {
      if (n > 0) body += ',';
      const place: Place = { type: 0, page: 0, fingerprint: 0, session: 0, user: undefined, eventId: 0 };
      const field = (name: keyof Place, before: string, length: number, after: string) => {
        body += before;
        place[name] = body.length;
        body += `${'0'.repeat(length)}${after}`;
      };
      field('type', '{"type":', '"page_view"'.length, '');
      field('page', ',"url":"https://example.org/articles/', PAGE_DIGITS, '?utm_source=newsletter"');
      field('fingerprint', `,"fingerprint":"${this.#run}`, NUMBER_DIGITS, '"');
      field('session', `,"session_id":"${this.#run}`, NUMBER_DIGITS, '"');
      if (Math.random() < SHARE_SIGNED_IN) field('user', ',"user_id":"member-', NUMBER_DIGITS, '"');
      const [community, division] = [pick(this.#communities), pick(this.#divisions)];
      if (community !== undefined && Math.random() < 0.7) body += `,"community_id":"${community}"`;
      if (division !== undefined && Math.random() < 0.8) body += `,"division_id":"${division}"`;
      const referrer = pick(REFERRERS);
      if (referrer !== undefined && referrer !== '') body += `,"referrer":"${referrer}"`;
      body += `,"title":"An article of the platform","language":"${pick(LANGUAGES)}","screen":"${pick(SCREENS)}"`;
      const [of, run] = [this.#run.slice(0, 8), this.#run.slice(8)];
      field('eventId', `,"event_id":"${of}-${run}-4000-8000-`, NUMBER_DIGITS, '"}');
      places.push(place);
    }
    body += ']';
    const head =
      `POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ${AGENTS[number % AGENTS.length]}\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
    for (const place of places) {
      for (const name of ['type', 'page', 'fingerprint', 'session', 'eventId'] as const)
        place[name] += head.length;
      if (place.user !== undefined) place.user += head.length;
    }
    const request = { bytes: Buffer.from(head + body, 'latin1'), places, turn: 0, pageViews: 0 };
    this.#welcome(request);
    request.turn = number % EVENTS_A_VISIT;
    return request;
  }

  /** The next event of each; who has left makes room for somebody else. */
  advance(request: Request): void {
    if (request.turn === EVENTS_A_VISIT) this.#welcome(request);
    const type = VISIT[request.turn] ?? 'page_view';
    request.turn += 1;
    request.pageViews = type === 'page_view' ? EVENTS_A_REQUEST : 0;
    const text = `"${type}"`.padEnd('"page_view"'.length);
    for (const place of request.places) {
      request.bytes.write(text, place.type, 'latin1');
      if (type === 'page_view') {
        // Few pages have most of the visits.
        writeNumber(request.bytes, place.page, PAGE_DIGITS, Math.floor(PAGES * Math.random() ** 3));
      }
      writeNumber(request.bytes, place.eventId, NUMBER_DIGITS, this.#events++);
    }
  }

  #welcome(request: Request): void {
    request.turn = 0;
    for (const { fingerprint, session, user } of request.places) {
      const returns = this.#visitors > 0 && Math.random() < SHARE_OF_RETURNING;
      const visitor = returns ? Math.floor(this.#visitors * Math.random()) : this.#visitors++;
      writeNumber(request.bytes, fingerprint, NUMBER_DIGITS, visitor);
      writeNumber(request.bytes, session, NUMBER_DIGITS, this.#visits++);
      if (user !== undefined) writeNumber(request.bytes, user, NUMBER_DIGITS, visitor);
    }
  }
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

function writeNumber(bytes: Buffer, at: number, digits: number, value: number): void {
  for (let n = digits - 1, rest = value; n >= 0; n--) {
    bytes[at + n] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
