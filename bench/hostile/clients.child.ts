/** Clients of one kind, as many as it has: who is cut comes again. */

import { connect, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { KINDS, type KindName } from './kinds.ts';

const OPENING_EVERY_MS = 10;
/** A server that cuts them all the time never has all of them. */
const LONGEST_OPENING_MS = 10_000;
const AT_A_TIME = 20;
/** So that they take what honest clients leave of the sender's core. */
const LEAST_PRIORITY = 19;

setPriority(LEAST_PRIORITY);
const sockets = new Set<Socket>();
let cut = 0;

process.once('message', ({ name, port }: { name: KindName; port: number }) => {
  const { connections, begin } = KINDS[name];
  const began = performance.now();
  let told = false;
  const opening = setInterval(() => {
    for (let n = 0; n < AT_A_TIME && sockets.size < connections; n++) open(port, begin);
    if (told || (sockets.size < connections && performance.now() - began < LONGEST_OPENING_MS)) return;
    told = true;
    process.send?.({ open: sockets.size });
  }, OPENING_EVERY_MS);
  process.once('message', () => {
    clearInterval(opening);
    process.send?.({ open: sockets.size, cut }, () => process.exit());
  });
});

function open(port: number, begin: (socket: Socket) => () => void): void {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  sockets.add(socket);
  let end = () => {};
  socket.once('connect', () => {
    end = begin(socket);
  });
  socket.resume();
  socket.on('error', () => {});
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    end();
    sockets.delete(socket);
    cut += 1;
  });
}
