/**
 * Publish and subscribe through Redis. Messages come by one connection of this process, to the Redis or to any node of
 * a cluster: a cluster brings every message to every node.
 *
 * Subscriptions are kept here, not in the connection. When it is lost or silent, another one is opened, at the next
 * node where there are several, and takes over all of them; so subscribing works while Redis is away, too. What is
 * published meanwhile is missed.
 */
import { Redis } from 'ioredis';
import { connectionOptions, type RedisConnection, reconnectPause } from './redis-connection.ts';
import { tlsOptions } from './redis-tls.ts';
import type { RedisAddress } from './redis-url.ts';

/** A connection may be gone without a word; nothing else is asked of this one. */
const CHECK_EVERY_MS = 2_000;

type Listener = (message: string) => void;

export class RedisChannels {
  readonly #address: RedisAddress;
  readonly #commands: RedisConnection;
  readonly #onError: (error: Error) => void;
  readonly #channels = new Map<string, Set<{ listener: Listener }>>();
  #connection: Redis | undefined;
  #ready = false;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(address: RedisAddress, commands: RedisConnection, onError: (error: Error) => void) {
    this.#address = address;
    this.#commands = commands;
    this.#onError = onError;
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#commands.call((client) => client.publish(this.#named(channel), message));
  }

  /** Resolves when messages are brought, or at once while Redis is away. */
  async subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    this.#commands.mustBeOpen();
    const name = this.#named(channel);
    const subscription = { listener };
    const subscriptions = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, subscriptions.add(subscription));
    await (this.#connection === undefined && this.#timer === undefined
      ? this.#connect()
      : this.#tell((connection) => connection.subscribe(name)));
    return async () => {
      if (!subscriptions.delete(subscription) || subscriptions.size > 0) return;
      if (this.#channels.get(name) !== subscriptions) return;
      this.#channels.delete(name);
      await this.#tell((connection) => connection.unsubscribe(name));
    };
  }

  close(): void {
    this.#closed = true;
    this.#channels.clear();
    clearTimeout(this.#timer);
    this.#connection?.disconnect();
  }

  /** Resolves when all is subscribed, or when the connection has failed and another one will be tried. */
  #connect(): Promise<void> {
    this.#timer = undefined;
    const nodes = [...this.#commands.nodes(), ...this.#address.nodes];
    const node = nodes[this.#tries % nodes.length] ?? this.#address.nodes[0];
    const connection = new Redis({
      ...connectionOptions(this.#address),
      // The connection for commands meets the same trouble, and tells it to whoever calls.
      ...tlsOptions(this.#address, () => {}),
      ...node,
      connectionName: 'footfall-messages',
      enableOfflineQueue: false,
      retryStrategy: null,
    });
    this.#connection = connection;
    connection.on('message', (name: string, message: string) => this.#hear(name, message));
    // The connection for commands meets the same trouble, and tells it to whoever calls.
    connection.on('error', () => {});
    return new Promise((resolve) => {
      connection.once('ready', () => {
        this.#takeOver(connection).then(resolve, () => connection.disconnect());
      });
      connection.once('end', () => {
        this.#ready = false;
        resolve();
        if (!this.#closed)
          this.#timer = setTimeout(() => void this.#connect(), reconnectPause(this.#tries++)).unref();
      });
    });
  }

  async #takeOver(connection: Redis): Promise<void> {
    const names = [...this.#channels.keys()];
    if (names.length > 0) await connection.subscribe(...names);
    this.#tries = 0;
    this.#ready = true;
    const check = setInterval(() => {
      connection.ping().catch(() => connection.disconnect());
    }, CHECK_EVERY_MS).unref();
    connection.once('end', () => clearInterval(check));
  }

  /** A failure costs the connection, and the next one takes over what is subscribed by then. */
  async #tell(work: (connection: Redis) => Promise<unknown>): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || !this.#ready) return;
    await work(connection).catch(() => connection.disconnect());
  }

  #hear(name: string, message: string): void {
    for (const { listener } of [...(this.#channels.get(name) ?? [])]) {
      try {
        listener(message);
      } catch (cause) {
        this.#onError(new Error(`a listener of ${name} threw`, { cause }));
      }
    }
  }

  #named(channel: string): string {
    return `${this.#address.prefix}${channel}`;
  }
}
