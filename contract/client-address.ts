/** Whose request it is: the peer's address, or what a trusted proxy says of it in `X-Forwarded-For`. */
import { BlockList, isIP } from 'node:net';

export interface TrustedProxies {
  has(address: string): boolean;
}

/** Proxies are few and come with every request; to look one up in the ranges costs more than the rest of the walk. */
const MAX_KNOWN = 1_000;

/**
 * Walks `X-Forwarded-For` from the right for as long as each hop is trusted; the first that is not is the client.
 * An entry that is no address ends the walk: what stands left of it may be forged.
 */
export function clientAddress(
  remote: string,
  forwardedFor: string | undefined,
  trusted: TrustedProxies,
): string {
  let client = plainAddress(remote) ?? remote;
  if (!forwardedFor) return client;
  const hops = forwardedFor.split(',');
  while (hops.length > 0 && trusted.has(client)) {
    const hop = plainAddress(hops.pop() ?? '');
    if (hop === undefined) break;
    client = hop;
  }
  return client;
}

/**
 * @param ranges addresses or CIDR ranges
 * @throws RangeError naming the entry that is neither
 */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix, ...rest] = range.split('/');
    const version = isIP(address);
    const bits = prefix === undefined ? undefined : Number(prefix);
    const wrongPrefix =
      prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= maxBits(version));
    if (version === 0 || wrongPrefix || rest.length > 0) {
      throw new RangeError(`${range}: is neither an IP address nor a CIDR range`);
    }
    if (bits === undefined) list.addAddress(address, family(version));
    else list.addSubnet(address, bits, family(version));
  }
  const known = new Set<string>();
  return {
    has(address) {
      if (known.has(address)) return true;
      const version = isIP(address);
      if (version === 0 || !list.check(address, family(version))) return false;
      if (known.size < MAX_KNOWN) known.add(address);
      return true;
    },
  };
}

/** Without port and brackets, an IPv4-mapped IPv6 address as IPv4; undefined where it is no address. */
function plainAddress(text: string): string | undefined {
  const trimmed = text.trim();
  if (isIP(trimmed) === 4) return trimmed;
  const bare = /^\[(.+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare;
  return isIP(address) === 0 ? undefined : address;
}

const family = (version: number) => (version === 6 ? 'ipv6' : 'ipv4');
const maxBits = (version: number) => (version === 6 ? 128 : 32);
