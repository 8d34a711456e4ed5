/** Certificates of the servers that engines connect to over TLS: who is trusted, and what is wrong where one is not. */
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';

/** To be made once, not for each connection: it costs tens of ms. Undefined is Node's own. */
export type Trust = SecureContext | undefined;

/**
 * @param ca PEM of the authorities that are trusted beside those that come with Node
 * @param own our certificate and key; a `ca` here is trusted alone
 */
export function trusting(ca: string | undefined, own: SecureContextOptions = {}): Trust {
  if (ca === undefined && Object.keys(own).length === 0) return undefined;
  return createSecureContext({ ...(ca !== undefined && { ca: [...rootCertificates, ca] }), ...own });
}

/** What OpenSSL says of a chain that does not end at an authority that is trusted. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);
const OTHER_FAULTS: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);

/** For operators: why the certificate of a server was refused; undefined where that was not the trouble. */
export function certificateFault(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    if (UNKNOWN_AUTHORITY.has(code)) {
      return `its certificate is of an unknown authority: ${cause.message} (TLS_CA_FILE names those to trust)`;
    }
    if (OTHER_FAULTS.has(code)) return `its certificate is refused: ${cause.message}`;
  }
  return undefined;
}
