/** The control: a bare `ws` server that sends every text to every client, as its documentation does it. */
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { type ControlAsked, type ControlTold, instant } from './messages.ts';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
await once(server, 'listening');
const address = server.address();
const tell = (told: ControlTold) => process.send?.(told);
tell({ listening: typeof address === 'object' && address !== null ? address.port : 0 });

function broadcast(text: string): void {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(text);
  }
}

process.on('message', ({ replay }: ControlAsked) => {
  if (replay === undefined) return;
  const sentAt = new Float64Array(replay.length);
  let left = replay.length;
  for (const [n, { at, text }] of replay.entries()) {
    setTimeout(() => {
      sentAt[n] = instant();
      broadcast(text);
      left -= 1;
      if (left === 0) tell({ sentAt });
    }, at);
  }
});
process.once('disconnect', () => process.exit());
