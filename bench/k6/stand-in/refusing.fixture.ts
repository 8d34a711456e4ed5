/** A collector that refuses everything, in a thread: the stand-in's requests block this one. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const THREAD = `
  const { parentPort, workerData: { headers } } = require('node:worker_threads');
  const server = require('node:http').createServer((request, response) => {
    request.resume();
    response.writeHead(429, headers).end();
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

export interface Refusing {
  url: string;
  close(): Promise<unknown>;
}

export async function refusing(headers: Record<string, string>): Promise<Refusing> {
  const worker = new Worker(THREAD, { eval: true, workerData: { headers } });
  const [port] = await once(worker, 'message');
  return { url: `http://127.0.0.1:${port}`, close: () => worker.terminate() };
}
