/** The country of an address, from the CC0 database that comes with the package. The address is not kept. */
import { createRequire } from 'node:module';
import { type CountryResponse, open } from 'maxmind';

const DATABASE = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';

/** The database's records are flat, other than the vendor's own that the reader's types describe. */
interface CountryRecord extends CountryResponse {
  country_code?: string;
}

/** Answers ISO 3166-1 alpha-2, undefined for private, unknown and malformed addresses. */
export async function countryLookup(): Promise<(address: string) => string | undefined> {
  const file = createRequire(import.meta.url).resolve(DATABASE);
  const reader = await open<CountryRecord>(file);
  return (address) => {
    try {
      return reader.get(address)?.country_code;
    } catch (error) {
      // The reader throws on what is not an address; a proxy may forward such a thing.
      if (error instanceof Error) return undefined;
      throw error;
    }
  };
}
