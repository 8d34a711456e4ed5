/** docker-compose.yml as tests read it: parsed, merged, and with the variables of `.env` in place. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { parse } from 'yaml';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const readHere = (file: string) => readFileSync(`${ROOT}/${file}`, 'utf8');

const Service = Type.Object({
  image: Type.String(),
  build: Type.Optional(Type.String()),
  command: Type.Array(Type.String(), { default: [] }),
  environment: Type.Record(Type.String(), Type.String(), { default: {} }),
  depends_on: Type.Record(Type.String(), Type.Object({ condition: Type.String() }), { default: {} }),
  volumes: Type.Array(Type.String(), { default: [] }),
  ports: Type.Array(Type.String(), { default: [] }),
  healthcheck: Type.Object({ test: Type.Array(Type.String()) }),
  mem_limit: Type.String(),
  restart: Type.String(),
  stop_grace_period: Type.String({ default: '10s' }),
});
export type Service = Static<typeof Service>;

const Subnet = Type.Object({ subnet: Type.String() });
const File = Type.Object({
  services: Type.Record(Type.String(), Type.Unknown()),
  networks: Type.Object({ default: Type.Object({ ipam: Type.Object({ config: Type.Tuple([Subnet]) }) }) }),
  volumes: Type.Record(Type.String(), Type.Null()),
});

export interface Compose {
  services: Record<string, Service>;
  volumes: string[];
  subnet: string;
}

const VARIABLE = /\$\{(\w+):-([^}]*)\}/g;

/** @param env what stands in `.env` */
export function readCompose(env: Record<string, string> = {}): Compose {
  const text = readHere('docker-compose.yml').replace(
    VARIABLE,
    (_, name: string, missing: string) => env[name] || missing,
  );
  const { services, volumes, networks } = Value.Parse(File, parse(text, { merge: true }));
  return {
    services: Object.fromEntries(Object.entries(services).map(([name, found]) => [name, asService(found)])),
    volumes: Object.keys(volumes),
    subnet: networks.default.ipam.config[0].subnet,
  };
}

/** Numbers become the text that Compose makes of them. */
function asService(found: unknown): Service {
  return Value.Parse(Service, Value.Convert(Service, Value.Default(Service, found)));
}

/** Names that the file takes from `.env`. */
export function variablesOfCompose(): string[] {
  return [...readHere('docker-compose.yml').matchAll(VARIABLE)].map(([, name = '']) => name);
}

/** The services that run our image. */
export function ownServices(compose: Compose): [name: string, service: Service][] {
  return Object.entries(compose.services).filter(([, { build }]) => build !== undefined);
}

/** Address that a service of ours is asked at about its health. */
export function probedUrl({ healthcheck }: Service): URL {
  return new URL(healthcheck.test.at(-1) ?? '');
}

/** `96m`, `1GB` and the like, in bytes. */
export function bytes(size: string): number {
  const [, number, unit = ''] = /^(\d+)([kmg]?)b?$/i.exec(size) ?? [];
  if (number === undefined) throw new RangeError(`${size}: is not a size`);
  return Number(number) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
}

export const isThere = (path: string) => existsSync(`${ROOT}/${path}`);
