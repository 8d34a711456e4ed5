/** Whether beacons can be taken, and in words what a person should know of though they can. */
import type { EventLog } from '../kafka/port.ts';
import type { LiveStore } from '../redis/port.ts';
import type { Framer } from './framer.ts';
import { type Answer, typeLines } from './http.ts';
import type { Refusals } from './refusals.ts';

/** Of what may wait, or be spooled. */
const MUCH = 0.5;
const MIB = 1024 ** 2;
const JSON_TYPE = typeLines('application/json');

export interface ReadinessSources {
  log: Pick<EventLog, 'ping' | 'backlog'>;
  live: Pick<LiveStore, 'ping'>;
  framer: Pick<Framer, 'pendingBytes' | 'maxPendingBytes'>;
  refusals: Pick<Refusals, 'hasBeenOverloaded'>;
  isDraining(): boolean;
}

/** 503 where no beacon would be taken; 200 also where it is slow, or frames go to the spool. */
export async function readiness({
  log,
  live,
  framer,
  refusals,
  isDraining,
}: ReadinessSources): Promise<Answer> {
  const problems = isDraining() ? ['shutting down'] : [];
  const degraded = refusals.hasBeenOverloaded
    ? ['overloaded: requests were refused within the last seconds, since more come than can be taken']
    : [];
  const { pendingBytes, maxPendingBytes } = framer;
  if (pendingBytes > MUCH * maxPendingBytes) {
    degraded.push(`log: ${share(pendingBytes, maxPendingBytes)} of events wait to be durable: it is slow`);
  }
  const { state, frames, bytes, maxBytes } = log.backlog();
  if (state === 'spooling') degraded.push(`log: it takes no frames, ${frames} wait in the spool`);
  if (state === 'replaying') degraded.push(`log: ${frames} frames still follow from the spool`);
  if (bytes > MUCH * maxBytes) degraded.push(`spool: it holds ${share(bytes, maxBytes)}`);
  await Promise.all([
    log.ping().catch((error: Error) => problems.push(`log: ${error.message}`)),
    live.ping().catch((error: Error) => degraded.push(`live: ${error.message}`)),
  ]);
  const spool = state === 'direct' ? {} : { spool: { state, frames, bytes } };
  const ready = problems.length === 0;
  const body = JSON.stringify({ ready, problems, degraded, ...spool });
  return { status: ready ? 200 : 503, headers: JSON_TYPE, body };
}

function share(bytes: number, most: number): string {
  return `${(bytes / MIB).toFixed(1)} of ${(most / MIB).toFixed(1)} MiB`;
}
