/** `GET /`: the numbers at a glance. One file, which runs only its own script and talks only to this server. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PAGE = readFileSync(new URL('./overview.html', import.meta.url), 'utf8');

const POLICY =
  `default-src 'none'; script-src ${hashOf('script')}; style-src ${hashOf('style')}; connect-src 'self'; ` +
  "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  'Cache-Control': 'no-cache',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** @param timeZone IANA name of the reporting zone, which the page names */
export function overview(timeZone: string): () => Response {
  const page = PAGE.replace('{{time zone}}', timeZone);
  return () => new Response(page, { headers: HEADERS });
}

function hashOf(tag: 'script' | 'style'): string {
  const content = new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(PAGE)?.[1];
  if (content === undefined) throw new Error(`overview.html has no <${tag}>`);
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
