/** What a User-Agent header says: browser, system, device class, and whether it is a bot. */
import Bowser from 'bowser';
import { isbot } from 'isbot';
import { LRUCache } from 'lru-cache';
import { isVerbatim } from './event-line.ts';

export interface BrowserProfile {
  isBot: boolean;
  /** What there is to say of it. */
  facts: Readonly<{ browser?: string; os?: string; device?: string }>;
  /** Of the facts: JSON writes them as they are. */
  verbatim: boolean;
}

const CACHED_PROFILES = 10_000;
const MAX_USER_AGENT_LENGTH = 1_024;

/** Parsing costs far more than a beacon; browsers of one version share their header, so a small cache serves most. */
export function browserProfiles(): (userAgent: string) => BrowserProfile {
  const cache = new LRUCache<string, BrowserProfile>({ max: CACHED_PROFILES });
  return (userAgent) => {
    const key = userAgent.slice(0, MAX_USER_AGENT_LENGTH);
    let profile = cache.get(key);
    if (profile === undefined) {
      profile = read(key);
      cache.set(key, profile);
    }
    return profile;
  };
}

function read(userAgent: string): BrowserProfile {
  if (userAgent === '') return { isBot: false, facts: {}, verbatim: true };
  const { browser, os, platform } = Bowser.parse(userAgent);
  const facts = {
    ...(browser.name ? { browser: browser.name } : {}),
    ...(os.name ? { os: os.name } : {}),
    ...(platform.type ? { device: platform.type } : {}),
  };
  return { isBot: isbot(userAgent), facts, verbatim: Object.values(facts).every(isVerbatim) };
}
