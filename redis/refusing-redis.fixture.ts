/** What answers every command as a Redis does that does not know the password; for tests where no Redis is installed. */
import { once } from 'node:events';
import { createServer } from 'node:net';

const REFUSAL = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';

export async function startRefusingRedis(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (commands) => {
      for (const _ of commands.toString().matchAll(/^\*\d+\r$/gm)) socket.write(REFUSAL);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
