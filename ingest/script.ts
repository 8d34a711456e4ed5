/** Serves the beacon script: from memory, compressed once, cached by browsers. */
import { gzipSync } from 'node:zlib';
import { type Answer, headerLines } from './http.ts';
import type { HttpRequest } from './uws.ts';

const HEADERS = {
  'Content-Type': 'text/javascript; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'public, max-age=3600',
  'Access-Control-Allow-Origin': '*',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  Vary: 'Accept-Encoding',
};

export function scriptServer({
  code,
  etag,
}: {
  code: string;
  etag: string;
}): (request: HttpRequest) => Answer {
  const compressed = gzipSync(code, { level: 9 });
  const headers = headerLines({ ...HEADERS, ETag: etag });
  const zipped = headerLines({ 'Content-Encoding': 'gzip' });
  return (request) => {
    if (request.getHeader('if-none-match') === etag) return { status: 304, headers };
    if (!/\bgzip\b/.test(request.getHeader('accept-encoding'))) return { status: 200, headers, body: code };
    return { status: 200, headers: headers + zipped, body: compressed };
  };
}
