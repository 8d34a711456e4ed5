/** Numbers by chance, or that follow from others and only look so. */

/** In [0, 1). */
export type Random = () => number;

/** In [0, 1), always the same for a number and a salt. */
export function shareOf(number: number, salt: number): number {
  let mixed = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(salt + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** Of `size` places, from 0: the first ones far more often, as with pages, towns and words. */
export function zipf(size: number, share: number): number {
  return Math.min(size - 1, Math.floor((size + 1) ** share) - 1);
}

export function pick<Item>(from: readonly Item[], share: number): Item | undefined {
  return from[Math.floor(share * from.length)];
}

export interface Weighted {
  readonly weight: number;
}

/** By weight. */
export function weighted<Item extends Weighted>(from: readonly Item[], share: number): Item | undefined {
  let left = share * from.reduce((sum, { weight }) => sum + weight, 0);
  return from.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
}

/** Version 4. */
export function uuid(random: Random): string {
  const digits = (count: number) => {
    let text = '';
    while (text.length < count) text += Math.floor(random() * 16).toString(16);
    return text;
  };
  return `${digits(8)}-${digits(4)}-4${digits(3)}-${'89ab'.charAt(Math.floor(random() * 4))}${digits(3)}-${digits(12)}`;
}
