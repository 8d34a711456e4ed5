/** A port for a process that is started next and cannot be told to choose one itself. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Nobody listens on it at 127.0.0.1 when this resolves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const closed = once(server, 'close');
  server.close();
  await closed;
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
