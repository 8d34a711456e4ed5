/**
 * Looks, before any service is started, whether the ports are free. A service that cannot listen is started again, since that may pass; whoever
 * starts all of it is to read at once, and once, what is in the way.
 */
import { type Config, ConfigError } from '../config.ts';
import { faultsOf, type Place } from '../listening.ts';

type Ports = Pick<Config, 'host' | 'ingestPort' | 'ingestProcesses' | 'apiPort'>;

/** Those of the collectors: one that they share, and one of its own each where they are several. */
export function ingestPlaces({ host, ingestPort, ingestProcesses }: Ports): Place[] {
  const own = ingestProcesses === 1 ? 0 : ingestProcesses;
  return Array.from({ length: own + 1 }, (_, n) => ({ host, port: ingestPort + n, variable: 'INGEST_PORT' }));
}

export function allPlaces(config: Ports): Place[] {
  return [...ingestPlaces(config), { host: config.host, port: config.apiPort, variable: 'API_PORT' }];
}

/** @throws ConfigError with a line for each that is not */
export async function requireFree(places: readonly Place[]): Promise<void> {
  const faults = await faultsOf(places);
  if (faults.length > 0) throw new ConfigError(faults.map(({ message }) => message).join('\n'));
}
