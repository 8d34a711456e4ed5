/** Certificate authorities of a test's own, and what ends TLS before a server: X.509 in as few fields as it takes. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, isIP, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';

const DAY_MS = 86_400_000;
/** Object identifiers, as DER. */
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');
const ALTERNATIVE_NAME = Buffer.from('0603551d11', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

export interface Authority {
  /** Its own certificate, PEM. */
  pem: string;
  /** A server's key and certificate, for a host name or an address, both PEM. */
  issue(host: string, validForMs?: number): { key: string; cert: string };
  /** The same, for a server here. */
  certify(host: string, validForMs?: number): SecureContext;
}

export function createAuthority(name = 'Authority of a test'): Authority {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const self = { name, issuer: name, signer: ca.privateKey, validForMs: DAY_MS };
  const authority = extension(BASIC_CONSTRAINTS, sequence(TRUE));
  const issue = (host: string, validForMs = DAY_MS) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = certificate({
      ...{ ...self, name: host, validForMs },
      key: publicKey,
      extensions: [extension(ALTERNATIVE_NAME, sequence(alternativeName(host)))],
    });
    return { cert, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
  };
  return {
    pem: certificate({ ...self, key: ca.publicKey, extensions: [authority] }),
    issue,
    certify: (host, validForMs) => createSecureContext(issue(host, validForMs)),
  };
}

interface Subject {
  name: string;
  issuer: string;
  key: KeyObject;
  signer: KeyObject;
  validForMs: number;
  extensions: Buffer[];
}

function certificate({ name, issuer, key, signer, validForMs, extensions }: Subject): string {
  const now = Date.now();
  const version3 = tagged(0xa0, tagged(0x02, Buffer.from([2])));
  const serial = tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]));
  const toBeSigned = sequence(
    version3,
    serial,
    sequence(ECDSA_WITH_SHA256),
    distinguishedName(issuer),
    sequence(instant(now - 2 * DAY_MS), instant(now + validForMs)),
    distinguishedName(name),
    key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = tagged(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', toBeSigned, signer)]));
  const der = sequence(toBeSigned, sequence(ECDSA_WITH_SHA256), signature);
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(name)))));
}

function alternativeName(host: string): Buffer {
  return isIP(host) === 0
    ? tagged(0x82, Buffer.from(host))
    : tagged(0x87, Buffer.from(host.split('.').map(Number)));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, tagged(0x04, value));
}

/** As GeneralizedTime. */
function instant(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(text));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}

export interface TlsFront {
  port: number;
  /** What clients said that they are looking for; false where they said nothing. */
  serverNames: (string | false | null)[];
  /** Why handshakes failed, as this side was told. */
  failures: string[];
  close(): Promise<void>;
}

interface FrontOptions {
  secureContext: SecureContext;
  /** Of the server behind it, on this machine; without one, connections are held. */
  target?: number;
  /** Speaks before TLS begins: PostgreSQL asks for it in its own protocol. */
  greet?: (socket: Socket) => Promise<void>;
}

export async function startTlsFront({ secureContext, target, greet }: FrontOptions): Promise<TlsFront> {
  const open = new Set<Socket>();
  const front: Pick<TlsFront, 'serverNames' | 'failures'> = { serverNames: [], failures: [] };
  const track = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = createServer(async (socket) => {
    track(socket);
    await greet?.(socket);
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    secure.on('error', (error) => {
      front.failures.push(error.message);
      socket.destroy();
    });
    secure.once('secure', () => {
      front.serverNames.push(secure.servername);
      if (target === undefined) return;
      const behind = connect(target, '127.0.0.1');
      track(behind);
      secure.pipe(behind).pipe(secure);
      secure.once('close', () => behind.destroy());
      behind.once('close', () => secure.destroy());
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    ...front,
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
