/** A port for a process that is started next and cannot be told to choose one itself. */
import { createServer } from 'node:net';

const FIRST_PORT = 10_000;
const PORTS = 20_000;

/** Nobody listens on it at 127.0.0.1. Below those that the kernel takes for outgoing connections, so that a restart finds it free. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
