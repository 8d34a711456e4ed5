/** What is remembered of an address while beacons come from it. */
import { LRUCache } from 'lru-cache';

/** When there are more, the one that has not sent for longest is forgotten. */
const MAX_SENDERS = 100_000;

export interface Sender {
  readonly address: string;
  /** ISO 3166-1 alpha-2; undefined where nobody knows. */
  readonly country: string | undefined;
  /** In the minute that ends at `endsAt`, ms since the epoch. */
  beacons: number;
  /** Of those: not yet told to the live store. */
  unreported: number;
  endsAt: number;
}

export function senderBook(countryOf: (address: string) => string | undefined): (address: string) => Sender {
  const senders = new LRUCache<string, Sender>({ max: MAX_SENDERS });
  return (address) => {
    let sender = senders.get(address);
    if (sender === undefined) {
      sender = { address, country: countryOf(address), beacons: 0, unreported: 0, endsAt: 0 };
      senders.set(address, sender);
    }
    return sender;
  };
}
