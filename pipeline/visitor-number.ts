/** A visitor in the analytics store: the first 64 bits of the HMAC, as a decimal UInt64. */
export function visitorNumber(hmac: string): string {
  return BigInt(`0x${hmac.slice(0, 16)}`).toString();
}
