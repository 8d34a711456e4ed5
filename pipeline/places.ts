/** The platform's divisions and communities, read again every minute, and soon after an id that is not among them. */
import type { Community, Division, SessionStore } from '../postgres/port.ts';

const REFRESH_MS = 60_000;
const REFRESH_AFTER_MISS_MS = 5_000;

export interface Places {
  division(id: string): Division | undefined;
  community(id: string): Community | undefined;
}

export interface PlacesCache extends Places {
  /** Reads the reference data when it is too old. */
  refresh(now: number): Promise<void>;
}

export function placesCache(sessions: Pick<SessionStore, 'divisions' | 'communities'>): PlacesCache {
  let divisions = new Map<string, Division>();
  let communities = new Map<string, Community>();
  let readAt = Number.NEGATIVE_INFINITY;
  let missed = false;

  function find<T>(known: Map<string, T>, id: string): T | undefined {
    const found = known.get(id);
    missed ||= found === undefined;
    return found;
  }

  return {
    division: (id) => find(divisions, id),
    community: (id) => find(communities, id),
    async refresh(now) {
      if (now - readAt < (missed ? REFRESH_AFTER_MISS_MS : REFRESH_MS)) return;
      const [newDivisions, newCommunities] = await Promise.all([
        sessions.divisions(),
        sessions.communities(),
      ]);
      divisions = new Map(newDivisions.map((division) => [division.id, division]));
      communities = new Map(newCommunities.map((community) => [community.id, community]));
      readAt = now;
      missed = false;
    },
  };
}
