/** People's own data: what is kept of them as JSON, and the beginning of its removal, which the pipeline completes. */
import { randomUUID } from 'node:crypto';
import { peopleOf, visitorsOfUser } from '../clickhouse/people.ts';
import { type AnalyticsStore, NIL_UUID } from '../clickhouse/port.ts';
import type { QueryRow } from '../clickhouse/queries.ts';
import type { Config } from '../config.ts';
import type { ErasureReceipt, Erasures, PersonEvent, PersonSession } from '../contract/privacy.ts';
import { idHash, keyOfNumber, visitorHash, visitorKey } from '../contract/visitor.ts';
import type { Erasure, SessionStore, Subjects, VisitorSession } from '../postgres/port.ts';
import { ApiError } from './errors.ts';

const MAX_ERASURES = 1_000;
const EVENTS_A_PAGE = 5_000;
const HASH = /^[0-9a-f]{64}$/;

/** A visitor by the browser's fingerprint or the hash of it; or a user, with every visitor who was ever signed in as that user. */
export type Person = { fingerprint: string } | { userId: string };

interface Hashing {
  /** What fingerprints were hashed with, as far as it is known. */
  secrets(): Promise<readonly string[]>;
  /** Whether ids of users were hashed as well. */
  hidesIds: boolean;
}

interface PrivacyOptions extends Hashing {
  analytics: Pick<AnalyticsStore, 'read'>;
  sessions: Pick<SessionStore, 'erasures'>;
  /** ms since the epoch */
  now(): number;
}

/** As `VISITOR_SALT` says. */
export function hashingOf(
  { visitorSalt }: Pick<Config, 'visitorSalt'>,
  known: { sessions: Pick<SessionStore, 'visitorSalts'>; fingerprintSecrets: readonly string[] },
): Hashing {
  if (visitorSalt === 'daily') return { hidesIds: true, secrets: () => known.sessions.visitorSalts() };
  return { hidesIds: false, secrets: async () => known.fingerprintSecrets };
}

export class Privacy {
  readonly #analytics: PrivacyOptions['analytics'];
  readonly #erasures: SessionStore['erasures'];
  readonly #secrets: PrivacyOptions['secrets'];
  readonly #hidesIds: boolean;
  readonly #now: () => number;

  constructor({ analytics, sessions, secrets, hidesIds, now }: PrivacyOptions) {
    this.#analytics = analytics;
    this.#erasures = sessions.erasures;
    this.#secrets = secrets;
    this.#hidesIds = hidesIds;
    this.#now = now;
  }

  /** Sessions are gone when it resolves, and nothing that was received before will count; the rest goes within seconds. */
  async erase(person: Person, requestedBy: string): Promise<ErasureReceipt> {
    const subjects = await this.#subjectsOf(person);
    const erasure = await this.#erasures.begin({
      ...subjects,
      id: randomUUID(),
      kind: 'userId' in person ? 'user' : 'visitor',
      requestedBy,
      requestedAt: this.#now(),
    });
    return receiptOf(erasure);
  }

  /** @throws ApiError `not_found` */
  async erasure(id: string): Promise<ErasureReceipt> {
    const erasure = await this.#erasures.get(id);
    if (erasure === undefined) throw new ApiError('not_found', 'there is no erasure of this id');
    return receiptOf(erasure);
  }

  async erasures(): Promise<Erasures> {
    return (await this.#erasures.list(MAX_ERASURES)).map(receiptOf);
  }

  /** JSON text of a `PersonExport`, in pieces: a page of events each. */
  async *export(person: Person): AsyncGenerator<string> {
    const subjects = await this.#subjectsOf(person);
    const sessions = (await this.#erasures.sessionsOf(subjects)).map(sessionOf);
    // Who was signed in here once, and has other events.
    const known = new Set([
      ...subjects.visitors,
      ...sessions.map(({ fingerprint }) => visitorKey(fingerprint)),
    ]);
    const people = peopleOf([...known], subjects.userId);
    const exported_at = new Date(this.#now()).toISOString();
    yield `{"exported_at":${JSON.stringify(exported_at)},"sessions":${JSON.stringify(sessions)},"events":[`;
    let from = { partition: 0, offset: 0, index: 0 };
    for (let separator = ''; ; separator = ',') {
      const rows = await this.#analytics.read('events_of', { ...people, ...from, limit: EVENTS_A_PAGE });
      const last = rows.at(-1);
      if (last === undefined) break;
      yield separator + rows.map((row) => JSON.stringify(eventOf(row))).join(',');
      if (rows.length < EVENTS_A_PAGE) break;
      from = { partition: last.log_partition, offset: last.log_offset, index: last.log_index + 1 };
    }
    yield ']}\n';
  }

  async #subjectsOf(person: Person): Promise<Subjects> {
    const secrets = await this.#secrets();
    if (!('userId' in person)) {
      const { fingerprint } = person;
      const hashes = secrets.map((secret) => visitorHash(fingerprint, secret));
      if (HASH.test(fingerprint)) hashes.push(fingerprint);
      return { visitors: hashes.map(visitorKey), userId: null };
    }
    const { userId } = person;
    if (!this.#hidesIds) return { visitors: await visitorsOfUser(this.#analytics, userId), userId };
    const visitors = new Set<string>();
    for (const secret of secrets) {
      const hidden = idHash(userId, secret);
      for (const key of await visitorsOfUser(this.#analytics, hidden)) visitors.add(key);
      for (const { fingerprint } of await this.#erasures.sessionsOf({ visitors: [], userId: hidden }))
        visitors.add(visitorKey(fingerprint));
    }
    return { visitors: [...visitors], userId: null };
  }
}

function receiptOf(erasure: Erasure): ErasureReceipt {
  const { id, kind, requestedBy, requestedAt, completedAt, receipt } = erasure;
  return {
    id,
    kind,
    requested_by: requestedBy,
    requested_at: iso(requestedAt),
    completed_at: completedAt === null ? null : iso(completedAt),
    removed: receipt,
  };
}

function sessionOf(session: VisitorSession): PersonSession {
  return {
    fingerprint: session.fingerprint,
    session_id: session.sessionId,
    user_id: session.userId,
    page_views: session.pageViews,
    first_seen: iso(session.firstSeen),
    last_seen: iso(session.lastSeen),
    converted_at: session.convertedAt === null ? null : iso(session.convertedAt),
  };
}

function eventOf(row: QueryRow<'events_of'>): PersonEvent {
  const { log_partition, log_offset, log_index, type, happened_at, received_at, visitor, ...said } = row;
  const known = Object.entries(said).filter(([, value]) => value !== '' && value !== NIL_UUID);
  return {
    type,
    happened_at: iso(happened_at),
    received_at: iso(received_at),
    visitor: keyOfNumber(visitor),
    ...Object.fromEntries(known),
  };
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
