/** Presence news as it travels through a channel: JSON that is checked on arrival, since anybody may publish there. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { PresenceNews } from '../contract/presence.ts';

const Moments = Type.Array(Type.Object({ id: Type.String(), at: Type.Number() }));
const news = Compile(
  Type.Object({ scope: Type.String(), count: Type.Integer({ minimum: 0 }), joined: Moments, left: Moments }),
);

class PresenceNewsError extends Error {
  override readonly name = 'PresenceNewsError';
  readonly code = 'not_presence_news';
  readonly retryable = false;
}

/** @throws PresenceNewsError */
export function parsePresenceNews(message: string): PresenceNews {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch (cause) {
    throw new PresenceNewsError('presence news is not JSON', { cause });
  }
  if (news.Check(parsed)) return parsed;
  const [first] = news.Errors(parsed);
  throw new PresenceNewsError(
    `presence news: ${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`,
  );
}
