/** Names people to queries: visitors by the keys of `contract/visitor.ts`, and a user. */
import { keyOfNumber, visitorNumber } from '../contract/visitor.ts';
import type { AnalyticsStore } from './port.ts';
import type { People } from './queries.ts';

export function peopleOf(visitors: readonly string[], userId: string | null): People {
  return { visitors: visitors.map((key) => BigInt(visitorNumber(key))), user_hex: hexOf(userId ?? '') };
}

/** Keys of the visitors with an event of the user. */
export async function visitorsOfUser(
  analytics: Pick<AnalyticsStore, 'read'>,
  userId: string,
): Promise<string[]> {
  const rows = await analytics.read('visitors_of_user', { user_hex: hexOf(userId) });
  return rows.map(({ visitor }) => keyOfNumber(visitor));
}

/** A user's id may be any text, and parameters of queries are plain names. */
function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}
