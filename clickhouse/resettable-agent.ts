/**
 * A connection that can be given up for good.
 *
 * A socket that is closed the ordinary way leaves the kernel with the bytes that were not sent yet, and the kernel goes
 * on sending them: a whole INSERT could reach a server long after everybody has taken it for dead. A reset throws
 * them away.
 */
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls';
import type { Trust } from '../trust.ts';

export interface ResettableAgent {
  readonly agent: Agent;
  /** Resets every connection. */
  reset(): void;
}

/** One connection at a time, kept alive. */
export function resettableAgent(secure: boolean, secureContext?: Trust): ResettableAgent {
  const sockets = new Set<Socket>();

  function open(options: NetConnectOpts): Socket {
    const socket = connect(options);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  }

  const options = { keepAlive: true, maxSockets: 1 };
  const agent = secure
    ? new SecureAgent({ ...options, ...(secureContext !== undefined && { secureContext }) })
    : new Agent(options);
  Object.assign(agent, {
    createConnection: (to: NetConnectOpts & ConnectionOptions) => {
      const socket = open(to);
      return secure ? connectSecurely({ ...to, socket }) : socket;
    },
  });
  return {
    agent,
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}
