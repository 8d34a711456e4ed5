/** `k6/http`: requests that block, as they do there, made by a thread. */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { record } from './metrics.fixture.ts';

interface Params {
  headers?: Record<string, string>;
  tags?: Record<string, string>;
  responseType?: string;
  responseCallback?: (status: number) => boolean;
}
interface Request {
  method: string;
  url: string;
  body?: string;
  params?: Params;
}
interface Response {
  status: number;
  body: string | null;
  headers: Record<string, string>;
  ms: number;
}

const THREAD = `
  const { workerData: { port, signal } } = require('node:worker_threads');
  const flag = new Int32Array(signal);
  port.on('message', async (requests) => {
    const answers = await Promise.all(requests.map(async ({ method, url, body, headers }) => {
      const start = performance.now();
      try {
        const answer = await fetch(url, { method, body, headers });
        const text = await answer.text();
        return { status: answer.status, body: text, headers: Object.fromEntries(answer.headers), ms: performance.now() - start };
      } catch (error) {
        return { status: 0, body: String(error.cause ?? error), headers: {}, ms: performance.now() - start };
      }
    }));
    port.postMessage(answers);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  });
`;
const signal = new SharedArrayBuffer(4);
const flag = new Int32Array(signal);
const { port1: here, port2: there } = new MessageChannel();
new Worker(THREAD, {
  eval: true,
  workerData: { port: there, signal },
  transferList: [there],
}).unref();
here.unref();

const isSuccess = (status: number) => status >= 200 && status < 400;

function all(requests: Request[]): Response[] {
  Atomics.store(flag, 0, 0);
  here.postMessage(
    requests.map(({ method, url, body, params }) => ({ method, url, body, headers: params?.headers })),
  );
  Atomics.wait(flag, 0, 0);
  const answers: Response[] = receiveMessageOnPort(here)?.message ?? [];
  return answers.map((answer, i) => {
    const { tags = {}, responseCallback = isSuccess, responseType } = requests[i]?.params ?? {};
    const all = { ...tags, status: `${answer.status}` };
    record('http_reqs', 'counter', 'default', 1, all);
    record('http_req_duration', 'trend', 'time', answer.ms, all);
    record('http_req_failed', 'rate', 'default', Number(!responseCallback(answer.status)), all);
    return {
      ...answer,
      body: responseType === 'none' ? null : answer.body,
      headers: Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [canonical(name), value]),
      ),
    };
  });
}

const one = (request: Request) => all([request])[0];
/** As Go writes them. */
const canonical = (name: string) => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

export default {
  get: (url: string, params?: Params) => one({ method: 'GET', url, ...(params && { params }) }),
  post: (url: string, body: string, params?: Params) =>
    one({ method: 'POST', url, body, ...(params && { params }) }),
  batch: all,
  expectedStatuses:
    (...statuses: number[]) =>
    (status: number) =>
      statuses.includes(status),
};
