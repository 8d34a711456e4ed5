/** Answers upgrades that are refused as other requests are: the HTTP adapter has their status and headers sent, and no body. */
import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { createAdaptorServer } from '@hono/node-server';

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch'];

/** For the client to have read it, and to close as well. */
const CLOSE_GRACE_MS = 1_000;
/** What says how a body is sent is ours to say. */
const OF_THE_CONNECTION = ['connection', 'content-length', 'keep-alive', 'transfer-encoding'];

export function answeringRefusals(fetch: Fetch): Fetch {
  return async (request, env) => {
    const response = await fetch(request, env);
    // An upgrade has no answer but the connection.
    const refused = env.outgoing === undefined && response instanceof Response && response.status >= 400;
    // The adapter leaves a connection alone that is destroyed.
    if (refused && 'socket' in env.incoming) await refuse(env.incoming.socket, response);
    return response;
  };
}

/** Resolves once the connection is gone. */
async function refuse(socket: Socket, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}`];
  for (const [name, value] of response.headers)
    if (!OF_THE_CONNECTION.includes(name)) lines.push(`${name}: ${value}`);
  lines.push('connection: close', `content-length: ${body.length}`, '', '');
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(CLOSE_GRACE_MS) });
  socket.end(Buffer.concat([Buffer.from(lines.join('\r\n')), body]));
  // Unread bytes would have the answer thrown away at the other end.
  socket.resume();
  await closed.catch(() => {});
  socket.destroy();
}
