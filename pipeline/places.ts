/** The platform's divisions and communities, read again every minute. */
import type { Community, Division, SessionStore } from '../postgres/port.ts';

const REFRESH_MS = 60_000;

export interface Places {
  division(id: string): Division | undefined;
  community(id: string): Community | undefined;
}

export interface PlacesCache extends Places {
  /** Reads the reference data when it is older than a minute. */
  refresh(now: number): Promise<void>;
}

export function placesCache(sessions: Pick<SessionStore, 'divisions' | 'communities'>): PlacesCache {
  let divisions = new Map<string, Division>();
  let communities = new Map<string, Community>();
  let readAt = Number.NEGATIVE_INFINITY;

  return {
    division: (id) => divisions.get(id),
    community: (id) => communities.get(id),
    async refresh(now) {
      if (now - readAt < REFRESH_MS) return;
      const [newDivisions, newCommunities] = await Promise.all([
        sessions.divisions(),
        sessions.communities(),
      ]);
      divisions = new Map(newDivisions.map((division) => [division.id, division]));
      communities = new Map(newCommunities.map((community) => [community.id, community]));
      readAt = now;
    },
  };
}
