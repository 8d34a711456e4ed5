/**
 * Sockets for kafkajs 2.2.4, as its own, but safe to be let go of twice.
 *
 * At every failure to reach a broker it disconnects that broker's other connections, too, also those that were closed
 * long ago. Node takes letting go of a closed socket for a wish for its next connection, and keeps one listener a time:
 * as many as there are tries while a broker is away.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

export const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }): Socket => {
  const to = { host, port };
  const socket =
    ssl === undefined || ssl === null
      ? connect(to, onConnect)
      : connectSecurely({ ...ssl, ...to, ...(isIP(host) === 0 && { servername: host }) }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.once('close', () => {
    socket.unref = () => socket;
  });
  return socket;
};
