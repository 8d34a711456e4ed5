/** Loads uWebSockets.js, and says what is missing where its binaries cannot run. */
import type { HttpResponse, TemplatedApp, default as UwsModule, us_listen_socket } from 'uWebSockets.js';
import { loadForOlderGlibc, wantsGlibc238 } from './uws-glibc.ts';

export type { HttpRequest, HttpResponse } from 'uWebSockets.js';

const uws: typeof UwsModule = await load();
export default uws;

async function load(): Promise<typeof UwsModule> {
  try {
    return (await import('uWebSockets.js')).default;
  } catch (cause) {
    if (!wantsGlibc238(messageOf(cause))) throw new Error(explain(messageOf(cause)), { cause });
  }
  try {
    return loadForOlderGlibc() as typeof UwsModule;
  } catch (cause) {
    throw new Error(explain(messageOf(cause)), { cause });
  }
}

function explain(reason: string): string {
  const here = `${process.platform}-${process.arch}, Node ${process.version}`;
  const needs = /GLIBC_[\d.]+' not found/.test(reason)
    ? 'Its binary for this Node needs a newer glibc: use Node 20, or a system with glibc 2.36 or later (Debian 12, Ubuntu 24.04).'
    : 'It runs on Node 20, 22 and 24 on Linux (glibc) and macOS, x64 and arm64.';
  return `the collector cannot load uWebSockets.js here (${here}). ${needs} ${reason}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The peer's address; an IPv4 address that came in IPv6 clothes is shown as IPv4. */
export function addressText(res: HttpResponse): string {
  // The engine's own text of it takes three times as long.
  const bytes = new Uint8Array(res.getRemoteAddress());
  if (bytes.length === 4) return dotted(bytes, 0);
  if (isMapped(bytes)) return dotted(bytes, 12);
  return Buffer.from(res.getRemoteAddressAsText()).toString('latin1');
}

function dotted(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** ::ffff:0:0/96, RFC 4291 */
function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** libusockets.h: several processes may listen on the port, and the system spreads connections over them. */
const LISTEN_DEFAULT = 0;
/** A forgotten process on the port would steal beacons: nobody else may listen on it. */
const LISTEN_EXCLUSIVE_PORT = 1;

/** @throws when the port is taken */
export function listen(
  app: TemplatedApp,
  host: string,
  port: number,
  { shared = false } = {},
): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    const listening = (socket: us_listen_socket | false) => {
      if (socket) resolve(socket);
      else
        reject(new Error(`the collector cannot listen on ${host}:${port}: is the port taken? (INGEST_PORT)`));
    };
    // The engine takes host, port and options together; its types forget that form.
    Reflect.apply(app.listen, app, [host, port, shared ? LISTEN_DEFAULT : LISTEN_EXCLUSIVE_PORT, listening]);
  });
}
