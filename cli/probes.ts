/** What operators ask of a process that serves nothing else: does it live, is it ready, how is it doing. */
import { createServer, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { listenAt } from '../listening.ts';

interface ProbeOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  metrics: Registry;
  readiness(): Promise<{ ready: boolean }>;
}

interface Probes {
  port: number;
  close(): Promise<void>;
}

interface Answer {
  status: number;
  type?: string;
  body: string;
}

/** Rejects with ListenError where the port is taken. */
export async function startProbes({ host, port, metrics, readiness }: ProbeOptions): Promise<Probes> {
  const routes = new Map<string, () => Promise<Answer>>([
    ['/healthz', async () => json(200, { status: 'ok' })],
    [
      '/readyz',
      async () => {
        const found = await readiness();
        return json(found.ready ? 200 : 503, found);
      },
    ],
    ['/metrics', async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() })],
  ]);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const route = routes.get(path) ?? (async () => json(404, { error: 'not_found' }));
    route().then(
      (answer) => send(response, answer),
      (error: Error) => send(response, json(500, { error: error.message })),
    );
  });
  return {
    port: await listenAt(server, { host, port, variable: 'PIPELINE_PORT' }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}

function send(response: ServerResponse, { status, type = 'application/json', body }: Answer): void {
  response.writeHead(status, { 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' }).end(body);
}
