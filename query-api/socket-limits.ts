/** How many sockets one address and one user may have at this instance: a place each, from the door until the connection ends. */
import { ApiError } from './errors.ts';

export const MAX_SOCKETS_AN_ADDRESS = 100;
/** Two for each page that somebody has open. */
export const MAX_SOCKETS_A_USER = 50;

export class SocketLimits {
  readonly #taken = new Map<string, number>();

  /**
   * Answers a function that gives the place back; it does so once.
   * @param subject of the token; one without is limited by its address alone
   * @throws ApiError `too_many_sockets`, and nothing is taken
   */
  take(address: string, subject: string | undefined): () => void {
    const ofAddress = `address ${address}`;
    const ofUser = subject === undefined ? undefined : `user ${subject}`;
    if (this.#count(ofAddress) >= MAX_SOCKETS_AN_ADDRESS) throw tooMany(MAX_SOCKETS_AN_ADDRESS, 'address');
    if (ofUser !== undefined && this.#count(ofUser) >= MAX_SOCKETS_A_USER)
      throw tooMany(MAX_SOCKETS_A_USER, 'user');
    const places = ofUser === undefined ? [ofAddress] : [ofAddress, ofUser];
    for (const place of places) this.#taken.set(place, this.#count(place) + 1);
    return () => {
      for (const place of places.splice(0)) {
        const left = this.#count(place) - 1;
        if (left > 0) this.#taken.set(place, left);
        else this.#taken.delete(place);
      }
    };
  }

  #count(place: string): number {
    return this.#taken.get(place) ?? 0;
  }
}

const tooMany = (limit: number, whose: string) =>
  new ApiError('too_many_sockets', `more than ${limit} sockets of one ${whose}`);
