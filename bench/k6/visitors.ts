/** Who comes. A visitor follows from a number, so that everybody who sends knows everybody who may come again. */
import { BOTS, BROWSERS, LANGUAGES, NETWORKS } from './browsers.ts';
import { pick, type Random, shareOf, weighted, zipf } from './chance.ts';
import { place } from './site.ts';

const SHARE_RETURNING = 0.55;
const SHARE_OF_BOTS = 0.03;
const SHARE_WITH_ACCOUNT = 0.3;

/** Ids of what the system under test knows; none: beacons name none. */
export interface Platform {
  readonly communities: readonly string[];
  readonly divisions: readonly string[];
}

export interface Visitor {
  readonly fingerprint: string;
  readonly userAgent: string;
  readonly language: string;
  readonly screen: string;
  readonly address: string;
  readonly divisionId: string | undefined;
  /** Of those who have an account, whether or not they are signed in. */
  readonly userId: string | undefined;
  readonly isBot: boolean;
}

/** @param number returning visitors have the ones below the population */
export function visitorOf(number: number, platform: Platform): Visitor {
  const share = (salt: number) => shareOf(number, salt);
  const isBot = share(1) < SHARE_OF_BOTS;
  const browser = weighted(BROWSERS, share(2));
  return {
    fingerprint: `load-${number.toString(36).padStart(10, '0')}`,
    userAgent: (isBot ? pick(BOTS, share(3)) : browser?.userAgent) ?? '',
    language: weighted(LANGUAGES, share(4))?.language ?? 'en',
    screen: pick(browser?.screens ?? [], share(5)) ?? '1920x1080',
    address: `${pick(NETWORKS, share(6))}.${1 + Math.floor(share(7) * 253)}`,
    divisionId: place(platform.divisions, share(8)),
    userId: share(9) < SHARE_WITH_ACCOUNT ? `user-${number.toString(36)}` : undefined,
    isBot,
  };
}

/**
 * Numbers of the next visitors: some who came before, the faithful most, and others that nobody had.
 *
 * @param firstNew of the new ones, who then have every `stride`th number
 */
export function numbersOf(
  population: number,
  firstNew: number,
  stride: number,
  random: Random,
): () => number {
  let next = population + firstNew;
  return () => {
    if (random() < SHARE_RETURNING) return zipf(population, random());
    next += stride;
    return next;
  };
}
