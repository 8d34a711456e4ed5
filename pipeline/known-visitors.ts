/**
 * Visitors who came before `FINGERPRINT_SECRET` was changed go on as who they were.
 *
 * While collectors know the secret before, an event says both hashes. Where there is a session by the one of before, and none yet by the
 * new one, the new hash becomes an alias of it, in the transaction that counts the event: from then on the visitor is known, also by
 * events that say the new hash alone. All events of a visitor with both hashes are in the partition of the one before, so the answer follows
 * from what stands before the event in the log, and is the same when it is asked again after a crash.
 */
import type { Event } from '../contract/event.ts';
import { visitorNumber } from '../contract/visitor.ts';
import type { Alias, KnownVisitor, SessionStore, VisitorNames } from '../postgres/port.ts';
import type { VisitorSign } from '../redis/visitor-tracker.ts';
import type { NamedSign } from './signs.ts';

type Names = Pick<Event, 'visitor' | 'visitor_before'>;

/** Who is who, for the visitors of a portion. */
interface Recognised {
  /** To be called in the order of the log. Answers the hash that the visitor is known by. */
  of(names: Names): string;
  /** That were found and are not noted yet. */
  readonly aliases: Alias[];
}

export class KnownVisitors {
  readonly #sessions: Pick<SessionStore, 'hasAliases' | 'lookUp'>;
  /** Whether anybody has two hashes: once it was so, it may be so for good. */
  #differ = false;

  constructor(sessions: Pick<SessionStore, 'hasAliases' | 'lookUp'>) {
    this.#sessions = sessions;
  }

  /** Undefined where everybody is who they say. */
  async look(asked: readonly Names[]): Promise<Recognised | undefined> {
    this.#differ ||= sayBoth(asked) || (await this.#sessions.hasAliases());
    return this.#differ ? await this.#recognise(asked) : undefined;
  }

  /** The signs of who is known by another hash, said of that; until counting has found that there is anybody, all as they are. */
  async ofSigns(named: readonly NamedSign[]): Promise<VisitorSign[]> {
    const asked = named.map(({ names }) => names);
    this.#differ ||= sayBoth(asked);
    if (!this.#differ) return named.map(({ sign }) => sign);
    const recognised = await this.#recognise(asked);
    return named.map(({ sign, names }) => ({ ...sign, visitor: visitorNumber(recognised.of(names)) }));
  }

  async #recognise(asked: readonly Names[]): Promise<Recognised> {
    const names = new Map<string, VisitorNames>();
    for (const { visitor, visitor_before } of asked) {
      const before = visitor_before ?? names.get(visitor)?.before ?? null;
      names.set(visitor, { visitor, before });
    }
    return recognisedOf(await this.#sessions.lookUp([...names.values()]));
  }
}

function sayBoth(asked: readonly Names[]): boolean {
  return asked.some(({ visitor_before }) => visitor_before !== undefined);
}

function recognisedOf(found: readonly KnownVisitor[]): Recognised {
  const known = new Map(found.map((each) => [each.visitor, each]));
  /** By what stands before in the portion. */
  const present = new Set<string>();
  const noted = new Map<string, string>();

  function nameOf({ visitor, visitor_before: before }: Names): string {
    const { knownAs, either } = known.get(visitor) ?? {};
    const alias = knownAs ?? noted.get(visitor);
    if (alias !== undefined) return alias;
    if (before === undefined || !either || either.hasSession || present.has(visitor)) return visitor;
    const earlier = noted.get(before) ?? either.before;
    if (!either.beforeHasSession && !present.has(earlier)) return visitor;
    noted.set(visitor, earlier);
    return earlier;
  }

  return {
    get aliases() {
      return [...noted].map(([visitor, knownAs]) => ({ visitor, knownAs }));
    },
    of(names) {
      const name = nameOf(names);
      present.add(name);
      return name;
    },
  };
}
