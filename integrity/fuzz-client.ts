/** Sends bytes to a server over plain connections, some at once, and says what each was answered. */
import { connect, type Socket } from 'node:net';

/** A server that says nothing for so long has forgotten the request. */
const PATIENCE_MS = 30_000;
const HEAD_END = '\r\n\r\n';

/** A connection that goes on as long as the server lets it. */
export class Lane {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** The status of the answer; 0 where the server ended the connection without one. Rejects where nothing comes. */
  async ask(request: Buffer): Promise<number> {
    const isHead = request.subarray(0, 5).toString('latin1') === 'HEAD ';
    const socket = await this.#connected();
    return await new Promise((resolve, reject) => {
      let seen = Buffer.alloc(0);
      const timer = setTimeout(
        () => done(() => reject(new Error(`no answer to ${quoted(request)}`))),
        PATIENCE_MS,
      );
      const done = (settle: () => void) => {
        clearTimeout(timer);
        socket.off('data', onData).off('close', onClose);
        settle();
      };
      const onData = (chunk: Buffer) => {
        seen = Buffer.concat([seen, chunk]);
        const answer = wholeAnswer(seen, isHead);
        if (answer === undefined) return;
        if (answer.rest > 0 || answer.closes) this.close();
        done(() => resolve(answer.status));
      };
      const onClose = () => done(() => resolve(statusOf(seen)));
      socket.on('data', onData).on('close', onClose);
      socket.write(request);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }
}

/** Sends bytes on a connection of their own and ends it: the statuses of all answers that come. */
export async function throwAt(port: number, bytes: Buffer): Promise<number[]> {
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.end(bytes);
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  await closed;
  clearTimeout(timer);
  const text = Buffer.concat(chunks).toString('latin1');
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
}

interface Answer {
  status: number;
  /** Bytes after it. */
  rest: number;
  closes: boolean;
}

/** Undefined while some of it is missing. */
function wholeAnswer(seen: Buffer, isHead: boolean): Answer | undefined {
  const headEnd = seen.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = seen.subarray(0, headEnd).toString('latin1');
  const status = statusOf(seen);
  const closes = /^connection: *close/im.test(head);
  const bodyAt = headEnd + HEAD_END.length;
  if (isHead || status === 204 || status === 304) return { status, rest: seen.length - bodyAt, closes };
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) {
    const rest = seen.length - bodyAt - Number(length);
    return rest < 0 ? undefined : { status, rest, closes };
  }
  if (!/^transfer-encoding: *chunked/im.test(head)) return { status, rest: 0, closes: true };
  return seen.subarray(bodyAt).toString('latin1').endsWith('0\r\n\r\n')
    ? { status, rest: 0, closes }
    : undefined;
}

function statusOf(seen: Buffer): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(seen.subarray(0, 12).toString('latin1'))?.[1] ?? 0);
}

export function quoted(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 400).toString('latin1'));
}
