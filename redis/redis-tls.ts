/**
 * Connections to Redis over TLS.
 *
 * Those of ioredis do not say which host they want, so that one address cannot have several certificates; and a client
 * of a cluster keeps to itself why it could not connect.
 */
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import type { Trust } from '../trust.ts';
import type { RedisAddress } from './redis-url.ts';

const Options = Type.Object({ host: Type.String(), port: Type.Integer(), disconnectTimeout: Type.Number() });
type Options = Static<typeof Options>;

/** @param onFailure told why a connection failed */
export function tlsOptions(address: RedisAddress, onFailure: (error: Error) => void): RedisOptions {
  if (!address.tls) return {};
  const { trust } = address;
  class Connector extends TlsConnector {
    constructor(options: unknown) {
      if (!Value.Check(Options, options))
        throw new TypeError('ioredis no longer gives its options to connectors');
      super(options, trust, onFailure);
    }
  }
  // That there is a `tls` tells ioredis to wait for the handshake.
  return { tls: {}, Connector };
}

class TlsConnector extends AbstractConnector {
  readonly #options: Options;
  readonly #trust: Trust;
  readonly #onFailure: (error: Error) => void;

  constructor(options: Options, trust: Trust, onFailure: (error: Error) => void) {
    super(options.disconnectTimeout);
    this.#options = options;
    this.#trust = trust;
    this.#onFailure = onFailure;
  }

  async connect(): Promise<TLSSocket> {
    const { host, port } = this.#options;
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 && { servername: host }),
      ...(this.#trust !== undefined && { secureContext: this.#trust }),
    });
    this.connecting = true;
    this.stream = socket;
    socket.once('error', (error) => {
      this.firstError = error;
      this.#onFailure(error);
    });
    return socket;
  }
}
