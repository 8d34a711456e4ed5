/**
 * Where Redis is:
 *
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE][?prefix=NAME:]
 *     redis+cluster://[[USER]:PASSWORD@]HOST:PORT,HOST:PORT,...[?prefix=NAME:]
 *
 * `rediss://` and `rediss+cluster://` are the same over TLS. Some nodes of a cluster are enough, they name the others.
 */

import { EngineUrlError } from '../engine.ts';
import type { Trust } from '../trust.ts';

/** Installations that share a Redis have different ones. */
const DEFAULT_PREFIX = 'footfall:';
const DEFAULT_PORT = 6379;
const URL_PARTS = /^redis(s?)(\+cluster)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/(\d*))?(?:\?([^#]*))?$/;

export interface RedisNode {
  host: string;
  port: number;
}

export interface RedisAddress {
  nodes: readonly [RedisNode, ...RedisNode[]];
  cluster: boolean;
  tls: boolean;
  /** Node's own where it is undefined. */
  trust?: Trust;
  username: string | undefined;
  password: string | undefined;
  database: number;
  /** Every key and channel begins with it. */
  prefix: string;
}

/** @throws EngineUrlError that does not repeat the URL, since it may hold a password */
export function parseRedisUrl(url: string): RedisAddress {
  const parts = URL_PARTS.exec(url);
  if (parts === null) throw invalid('redis://HOST:PORT or redis+cluster://HOST:PORT,HOST:PORT is expected');
  const [, tls, cluster, credentials = '', hosts = '', database = '', query = ''] = parts;
  const [first, ...others] = hosts.split(',').map(parseNode);
  if (first === undefined) throw invalid('a host is missing');
  if (cluster === undefined && others.length > 0) throw invalid('several hosts need redis+cluster://');
  if (cluster !== undefined && database !== '') throw invalid('a cluster has no numbered databases');
  return {
    nodes: [first, ...others],
    cluster: cluster !== undefined,
    tls: tls === 's',
    ...parseCredentials(credentials),
    database: Number(database),
    prefix: parsePrefix(query),
  };
}

function parseNode(text: string): RedisNode {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw invalid('a host is no HOST:PORT');
  return { host, port: port === undefined ? DEFAULT_PORT : Number(port) };
}

function parseCredentials(text: string): Pick<RedisAddress, 'username' | 'password'> {
  if (text === '') return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  if (colon === -1) throw invalid('credentials are USER:PASSWORD, or :PASSWORD');
  try {
    const username = decodeURIComponent(text.slice(0, colon));
    const password = decodeURIComponent(text.slice(colon + 1));
    return { username: username === '' ? undefined : username, password };
  } catch (cause) {
    throw invalid('the credentials are not percent-encoded', { cause });
  }
}

function parsePrefix(query: string): string {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    // It is the rest of a password with a question mark in it.
    if (name.includes('@')) throw invalid('the credentials are not percent-encoded');
    if (name !== 'prefix') throw invalid(`there is no parameter ${name}, known: prefix`);
  }
  const prefix = parameters.get('prefix') ?? DEFAULT_PREFIX;
  // Braces would take the place of the hash tags that keep what belongs together on one node.
  if (/[{}]/.test(prefix)) throw invalid('a prefix must not contain { or }');
  return prefix;
}

function invalid(message: string, options?: ErrorOptions): EngineUrlError {
  return new EngineUrlError(`live store: ${message}`, options);
}
