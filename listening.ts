/** Listening on a port; where that fails, an error that names the variable to change. */
import { createServer, type Server } from 'node:net';

export interface Place {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Of the environment, which has the port. */
  variable: 'INGEST_PORT' | 'API_PORT' | 'PIPELINE_PORT';
}

export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** As Node has it: `EADDRINUSE` */
  readonly code: string;

  constructor({ host, port, variable }: Place, cause: Error) {
    const code = 'code' in cause ? String(cause.code) : 'unknown';
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} is taken on ${host}: stop what listens there, or set ${variable} to another port`
        : `cannot listen on ${host}, port ${port} (${code}): set HOST or ${variable} to what this process may use`;
    super(why, { cause });
    this.code = code;
  }
}

/** Answers the port. Rejects with ListenError. */
export function listenAt(server: Server, place: Place): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new ListenError(place, error));
    server.once('error', failed);
    server.listen(place.port, place.host, () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : place.port);
    });
  });
}

/** Why these could not be listened on all at once, one for each that could not; they are free again afterwards. */
export async function faultsOf(places: readonly Place[]): Promise<ListenError[]> {
  const faults: ListenError[] = [];
  const listening: Server[] = [];
  for (const place of places) {
    const server = createServer();
    try {
      await listenAt(server, place);
      listening.push(server);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      faults.push(error);
    }
  }
  await Promise.all(listening.map((server) => new Promise((closed) => server.close(closed))));
  return faults;
}
