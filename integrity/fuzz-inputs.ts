/** What clients send that nobody has thought of: requests, frames of sockets and plain bytes, the same for the same seed. */
import { Buffer } from 'node:buffer';

export type Random = () => number;

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const UUID = '01234567-89ab-4def-8123-456789abcdef';
const VALID = {
  type: 'page_view',
  url: 'https://example.org/page?utm_source=x#top',
  fingerprint: 'fingerprint-of-somebody',
  session_id: 'session',
  user_id: 'user',
  community_id: UUID,
  division_id: UUID,
  referrer: 'https://example.net/from?q=1',
  title: 'A title',
  language: 'en-CA',
  screen: '1920x1080',
  event_id: UUID,
  late: true,
};
const PARAMETERS = [
  ...['start_date', 'end_date', 'community_id', 'division_id', 'interval', 'limit', 'period', 'weeks'],
  ...['page', 'page_size', 'format', 'search', 'minutes', 'constructor', '__proto__', 'a'],
];
const VALUES = [
  ...[
    '2026-01-01',
    '2026-02-30',
    '0000-00-00',
    '9999-12-31',
    '2149-06-07',
    '1969-12-31',
    '-1',
    '0',
    '1',
    '1e9',
  ],
  ...[
    '99999999999999999999',
    'day',
    'hour',
    'week',
    'month',
    'arrow',
    UUID,
    UUID.toUpperCase(),
    '',
    ' ',
    'null',
  ],
  ...[
    "'",
    '"',
    '\\',
    "1' OR '1'='1",
    '{x:String}',
    '%00',
    '%zz',
    '../../etc/passwd',
    '\u0000',
    'é',
    '😀',
    '\ud800',
  ],
];

/** So many that few of them share a user: who exports a user's data gets that of all visitors who were signed in as that user. */
const VISITORS = 100_000;

export class Inputs {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A request of the collector that is whole: the connection may go on after it. */
  collectorRequest(): Buffer {
    const [path, method] = this.#chance(0.85)
      ? ['/e', 'POST']
      : [
          this.#pick([
            '/e',
            '/pixel.gif',
            '/beacon.js',
            '/healthz',
            '/readyz',
            '/metrics',
            '/',
            this.#path(),
          ]),
          this.#method(),
        ];
    const query = this.#chance(0.2)
      ? `?${this.#query(['url', 'fingerprint', 'type', 'late', 'user_id'])}`
      : '';
    const headers = {
      'Content-Type': this.#chance(0.9)
        ? 'text/plain'
        : this.#pick(['application/json; charset=utf-8', 'APPLICATION/JSON', 'text/html', '']),
      'User-Agent': this.#chance(0.9) ? CHROME : this.#printable(this.#below(300)),
      ...(this.#chance(0.2) && { 'X-Forwarded-For': this.#printable(this.#below(60)) }),
      ...(this.#chance(0.1) && { Referer: this.#printable(this.#below(200)) }),
      ...(this.#chance(0.05) && { DNT: this.#pick(['0', '1', 'x']), 'Sec-GPC': this.#pick(['0', '1']) }),
    };
    return this.#request(method, path + query, headers, method === 'GET' ? '' : this.#body());
  }

  /** A question to the query API. `paths` are those of the document; `tokens` are some that are good and some that are not. */
  apiRequest(paths: readonly string[], tokens: readonly string[]): Buffer {
    const path = this.#chance(0.9)
      ? this.#pick(paths).replace(/\{\w+\}/g, () =>
          this.#chance(0.5) ? UUID : encodeURIComponent(wellFormed(this.#value())) || 'x',
        )
      : this.#pick([
          '/',
          '/unauthorized',
          '/assets/x.js',
          '/metrics',
          '/readyz',
          '/ws/analytics/visitors/',
          this.#path(),
        ]);
    const query = this.#chance(0.8) ? `?${this.#query(PARAMETERS)}` : '';
    const token = this.#pick(tokens);
    const headers = {
      ...(token !== '' && { Authorization: `Bearer ${token}` }),
      ...(this.#chance(0.2) && {
        Accept: this.#pick(['*/*', 'application/vnd.apache.arrow.stream', this.#printable(40)]),
      }),
      ...(this.#chance(0.1) && { 'If-None-Match': this.#printable(60) }),
      ...(this.#chance(0.1) && { Origin: this.#pick(['https://evil.example', 'null', this.#printable(20)]) }),
      ...(this.#chance(0.1) && { 'X-Request-Id': this.#printable(this.#below(300)) }),
      ...(this.#chance(0.1) && { 'X-Forwarded-For': this.#printable(60) }),
    };
    // Whoever may remove data is not let loose on it here.
    const method = this.#chance(0.9) ? 'GET' : this.#pick(['HEAD', 'POST', 'PUT', 'OPTIONS', 'PATCH']);
    return this.#request(
      method,
      path + query,
      headers,
      method === 'GET' || method === 'HEAD' ? '' : this.#body(),
    );
  }

  /** No request at all, or half of one: the connection has to end after it. */
  bytes(): Buffer {
    const whole = this.#chance(0.5) ? this.collectorRequest() : Buffer.alloc(0);
    if (whole.length === 0) return this.#noise(this.#below(400));
    const cut = whole.subarray(0, this.#below(whole.length + 1));
    for (let flips = this.#below(6); flips > 0 && cut.length > 0; flips--)
      cut[this.#below(cut.length)] = this.#below(256);
    return cut;
  }

  /** Of a socket: text, or bytes. */
  message(): string | Buffer {
    const text = JSON.stringify({ type: this.#pick(['request_count', 'visitor_count', '', this.#value()]) });
    return this.#pick([
      text,
      text.slice(0, this.#below(text.length)),
      JSON.stringify(this.#json(3)),
      'x'.repeat(this.#below(6_000)),
      this.#noise(this.#below(300)),
    ]);
  }

  #body(): string {
    if (this.#chance(0.02)) return 'x'.repeat(60_000 + this.#below(10_000));
    if (this.#chance(0.02)) return '['.repeat(this.#below(5_000));
    const length = this.#chance(0.05) ? this.#pick([20, 100, 101]) : this.#pick([1, 1, 1, 1, 2, 3, 0]);
    const beacons = Array.from({ length }, () => this.#beacon());
    const value = beacons.length === 1 && this.#chance(0.7) ? beacons[0] : beacons;
    let text = this.#chance(0.05) ? JSON.stringify(this.#json(4)) : JSON.stringify(value);
    if (this.#chance(0.1)) text = text.slice(0, this.#below(text.length));
    if (this.#chance(0.1)) {
      const at = this.#below(text.length);
      text =
        text.slice(0, at) + this.#pick(['"', '\\', '\u0000', '\u2028', '{', ']', '😀']) + text.slice(at + 1);
    }
    return text;
  }

  #beacon(): unknown {
    const fingerprint = `fingerprint-${this.#below(VISITORS)}`;
    const beacon: Record<string, unknown> = { ...VALID, fingerprint };
    delete beacon.event_id;
    for (let changes = this.#pick([0, 0, 0, 0, 0, 1, 2, 3]); changes > 0; changes--) {
      const field = this.#pick(Object.keys(VALID));
      if (this.#chance(0.3)) delete beacon[field];
      else beacon[field] = this.#chance(0.6) ? this.#value() : this.#json(2);
    }
    return beacon;
  }

  #json(depth: number): unknown {
    const kind = this.#below(depth > 0 ? 8 : 6);
    if (kind === 6) return Array.from({ length: this.#below(4) }, () => this.#json(depth - 1));
    if (kind === 7) return Object.fromEntries([1, 2].map(() => [this.#value(), this.#json(depth - 1)]));
    return this.#pick([
      null,
      true,
      -0,
      1e308,
      this.#below(1e9),
      this.#value(),
      'x'.repeat(this.#below(2_000)),
    ]);
  }

  #request(method: string, target: string, headers: Record<string, string>, body: string): Buffer {
    const bytes = Buffer.from(body);
    const lines = Object.entries({ Host: 'fuzz', ...headers }).map(([name, value]) => `${name}: ${value}`);
    const length = method === 'GET' || method === 'HEAD' ? [] : [`Content-Length: ${bytes.length}`];
    const head = [`${method} ${target} HTTP/1.1`, ...lines, ...length, '', ''].join('\r\n');
    return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
  }

  #query(names: readonly string[]): string {
    return Array.from({ length: this.#below(5) }, () => {
      const value = this.#value();
      return `${this.#pick(names)}=${this.#chance(0.8) ? encodeURIComponent(wellFormed(value)) : this.#printable(12).replace(/[ #]/g, '')}`;
    }).join('&');
  }

  #path(): string {
    return `/${this.#printable(this.#below(60)).replace(/[ #?]/g, '')}`;
  }

  #method(): string {
    return this.#pick(['GET', 'POST', 'OPTIONS', 'PUT', 'DELETE']);
  }

  #value(): string {
    return this.#pick(VALUES);
  }

  /** Of a header: no line break, and nothing that ends it. */
  #printable(length: number): string {
    return Array.from({ length }, () => String.fromCharCode(0x20 + this.#below(0x5f)))
      .join('')
      .trim();
  }

  #noise(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#below(256)));
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#below(from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #chance(p: number): boolean {
    return this.#random() < p;
  }
}

function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd');
}
