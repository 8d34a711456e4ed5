/**
 * HyperLogLog with 2^14 registers: distinct values in at most 16 KiB, standard error 0.81 %, as Redis counts them.
 *
 * The estimate is the improved one of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
 * (arXiv:1702.01284), section 2: no bias table and no switch between ranges. Few values are kept as a map of the
 * registers that are not 0, since most communities have few visitors a day.
 */
import { murmurHash } from '../murmur-hash.ts';

const INDEX_BITS = 14;
const REGISTERS = 2 ** INDEX_BITS;
/** Bits of a 64-bit hash that are left for the rank. */
const RANK_BITS = 64 - INDEX_BITS;
const MAX_SPARSE = 256;
const SEED = 0x466f6f74;
const digest = new Int32Array(4);

export class HyperLogLog {
  #sparse: Map<number, number> | undefined = new Map();
  #dense = new Uint8Array(0);

  add(value: string): void {
    murmurHash(value, SEED, digest);
    const index = (digest[0] ?? 0) >>> (32 - INDEX_BITS);
    const zeros = Math.clz32(digest[1] ?? 0);
    const rank = 1 + (zeros < 32 ? zeros : Math.min(RANK_BITS, 32 + Math.clz32(digest[2] ?? 0)));
    if (this.#sparse === undefined) {
      if (rank > (this.#dense[index] ?? 0)) this.#dense[index] = rank;
      return;
    }
    if (rank > (this.#sparse.get(index) ?? 0)) this.#sparse.set(index, rank);
    if (this.#sparse.size > MAX_SPARSE) this.#spread(this.#sparse);
  }

  count(): number {
    const m = REGISTERS;
    const withRank = this.#histogram();
    let z = m * tau(1 - (withRank[RANK_BITS + 1] ?? 0) / m);
    for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + (withRank[rank] ?? 0));
    z += m * sigma((withRank[0] ?? 0) / m);
    return Math.round((m * m) / (2 * Math.LN2 * z));
  }

  #spread(sparse: Map<number, number>): void {
    this.#dense = new Uint8Array(REGISTERS);
    for (const [index, rank] of sparse) this.#dense[index] = rank;
    this.#sparse = undefined;
  }

  /** How many registers hold each rank. */
  #histogram(): Uint32Array {
    const withRank = new Uint32Array(RANK_BITS + 2);
    const ranks = this.#sparse?.values() ?? this.#dense;
    for (const rank of ranks) withRank[rank] = (withRank[rank] ?? 0) + 1;
    if (this.#sparse !== undefined) withRank[0] = REGISTERS - this.#sparse.size;
    return withRank;
  }
}

/** x + sum of x^(2^k) 2^(k-1), for the registers that are still 0. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let sum = x;
  for (let power = x * x, weight = 1, before = Number.NaN; sum !== before; power *= power, weight *= 2) {
    before = sum;
    sum += power * weight;
  }
  return sum;
}

/** (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3, for the registers that are full. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  for (
    let root = Math.sqrt(x), weight = 0.5, before = Number.NaN;
    sum !== before;
    root = Math.sqrt(root), weight /= 2
  ) {
    before = sum;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}
