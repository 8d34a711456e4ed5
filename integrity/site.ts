/** A site on an origin of its own: every path is a page that carries the beacon of a collector, and its pixel for browsers without script. */
import { createServer } from 'node:http';

export interface Site {
  readonly origin: string;
  /** `data-` attributes of the script on the pages. */
  attributes: string;
  close(): Promise<void>;
}

export async function openSite(collector: string): Promise<Site> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html>
      <html lang="en">
      <head><title>Page ${path}</title>
      <script defer src="${collector}/beacon.js" ${site.attributes}></script></head>
      <body><p>Text</p>
      <noscript><img src="${collector}/pixel.gif?url=${encodeURIComponent(path)}" alt=""></noscript></body>
      </html>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const site: Site = {
    origin: `http://127.0.0.1:${address.port}`,
    attributes: '',
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return site;
}
