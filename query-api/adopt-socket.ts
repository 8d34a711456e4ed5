/**
 * Takes a socket out of the hands of the HTTP adapter that upgraded it.
 *
 * The adapter's listeners stay as long as the socket, and hold the request with its headers, the request that was made
 * of that, and Hono's context: as much memory as the socket itself. Ours hold what a socket needs.
 */
import type { WebSocket } from 'ws';

interface Handlers {
  /** Undefined for a binary message. */
  onMessage(text: string | undefined): void;
  onError(error: Error): void;
}

/** To be called last while the adapter says that the socket is open: it adds its listeners right after. */
export function adopt(socket: WebSocket, { onMessage, onError }: Handlers): void {
  socket.on('message', (data, isBinary) => onMessage(isBinary ? undefined : String(data)));
  socket.on('error', onError);
  const theirs: [event: string, listener: (...args: unknown[]) => void][] = [];
  const note = (event: string, listener: (...args: unknown[]) => void) => void theirs.push([event, listener]);
  socket.on('newListener', note);
  queueMicrotask(() => {
    socket.off('newListener', note);
    // Emptied: what is named here would be held as well.
    for (const [event, listener] of theirs.splice(0)) socket.off(event, listener);
  });
}
