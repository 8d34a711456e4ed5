/** For tests: a site whose pages load the beacon from a collector of another origin that records what it is sent. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Beacon } from '../../contract/beacon.ts';

interface Received {
  beacon: Beacon;
  contentType: string | undefined;
}

export interface TestSite {
  /** Origin of the pages. */
  origin: string;
  /** Origin of the collector. */
  collector: string;
  /** `data-` attributes of the script on the pages. */
  attributes: string;
  /** Stands in the head, before the script. */
  head: string;
  /** Every beacon, in order of arrival, also of requests that were refused. */
  received: Received[];
  /** Methods of all requests to the collector. */
  methods: string[];
  /** Answers that the next requests get instead of 202. */
  refusals: { status: number; headers?: Record<string, string> }[];
  of(type: Beacon['type']): Beacon[];
  reset(): void;
  close(): Promise<void>;
}

const READABLE = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' };

export async function openTestSite(script: string): Promise<TestSite> {
  const collector = createServer(async (request, response) => {
    site.methods.push(request.method ?? '');
    if (request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' }).end(script);
      return;
    }
    const sent: Beacon | Beacon[] = JSON.parse(await bodyOf(request));
    for (const beacon of Array.isArray(sent) ? sent : [sent]) {
      site.received.push({ beacon, contentType: request.headers['content-type'] });
    }
    const { status, headers } = site.refusals.shift() ?? { status: 202 };
    response.writeHead(status, { ...READABLE, ...headers }).end();
  });
  const pages = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    if (request.url === '/without-storage') {
      response.end('<iframe sandbox="allow-scripts" src="/framed"></iframe>');
      return;
    }
    response.end(`<!doctype html><title>Page ${request.url}</title>${site.head}
      <script src="${site.collector}/beacon.js" defer ${site.attributes}></script>
      <p>Text</p><a href="/next">next</a>`);
  });

  const site: TestSite = {
    origin: await listen(pages),
    collector: await listen(collector),
    attributes: '',
    head: '',
    received: [],
    methods: [],
    refusals: [],
    of: (type) => site.received.map(({ beacon }) => beacon).filter((beacon) => beacon.type === type),
    reset: () => {
      Object.assign(site, { attributes: '', head: '' });
      for (const list of [site.received, site.methods, site.refusals]) list.length = 0;
    },
    close: async () => {
      await Promise.all([close(pages), close(collector)]);
    },
  };
  return site;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
