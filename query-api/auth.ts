/** Who asks: a JWT, its signature and its claims. Algorithms are pinned, an expiry is required. */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { ApiError } from './errors.ts';

const CLOCK_TOLERANCE_S = 60;
const SHARED_SECRET_ALGORITHMS = ['HS256'];
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
];

export type JwtKeys = { secret: string } | { jwksUrl: string };

/** What each token has to name; undefined: whatever it names. */
export interface JwtScope {
  /** `aud` */
  audience?: string | undefined;
  /** `iss` */
  issuer?: string | undefined;
}

export interface Identity {
  subject: string | undefined;
  /** Whether `is_staff` or `is_moderator` is `true`. */
  mayRead: boolean;
  isStaff: boolean;
  /** ms since the epoch, clock tolerance included */
  expiresAt: number;
}

/** Rejects with ApiError `unauthenticated`, or `unavailable` where the key set cannot be had. */
export type Authenticate = (token: string) => Promise<Identity>;

/** The token's own faults; any other failure is the key set's. */
const FAULTS_OF_THE_TOKEN: ReadonlySet<string> = new Set([
  errors.JWTExpired.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWTInvalid.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
]);

/** @param now ms since the epoch */
export function authenticator(keys: JwtKeys & JwtScope, now: () => number): Authenticate {
  const verify = verifier(keys);
  return async (token) => {
    const payload = await verify(token, new Date(now())).catch((error: unknown) => {
      if (error instanceof errors.JOSEError && FAULTS_OF_THE_TOKEN.has(error.code)) {
        throw unauthenticated('the token is not valid, or no longer', error);
      }
      throw new ApiError('unavailable', 'the keys of the tokens cannot be had at the moment', {
        cause: error,
        headers: { 'Retry-After': '5' },
      });
    });
    return {
      subject: typeof payload.sub === 'string' ? payload.sub : undefined,
      isStaff: payload.is_staff === true,
      mayRead: payload.is_staff === true || payload.is_moderator === true,
      expiresAt: ((payload.exp ?? 0) + CLOCK_TOLERANCE_S) * 1_000,
    };
  };
}

export function unauthenticated(message: string, cause?: unknown): ApiError {
  const challenge =
    cause === undefined ? 'Bearer realm="footfall"' : 'Bearer realm="footfall", error="invalid_token"';
  return new ApiError('unauthenticated', message, { cause, headers: { 'WWW-Authenticate': challenge } });
}

/** `Authorization: Bearer TOKEN`; undefined where there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

export interface TokenOptions extends JwtScope {
  staff?: boolean;
  moderator?: boolean;
  subject?: string;
  /** Seconds from now. */
  expiresIn: number;
}

/** An HS256 token that {@link authenticator} accepts with the same secret. */
export function signToken(options: TokenOptions, secret: string, now = Date.now()): Promise<string> {
  const issuedAt = Math.floor(now / 1_000);
  const token = new SignJWT({
    ...(options.staff === true && { is_staff: true }),
    ...(options.moderator === true && { is_moderator: true }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + options.expiresIn);
  if (options.subject !== undefined) token.setSubject(options.subject);
  if (options.audience !== undefined) token.setAudience(options.audience);
  if (options.issuer !== undefined) token.setIssuer(options.issuer);
  return token.sign(new TextEncoder().encode(secret));
}

type Verify = (token: string, currentDate: Date) => Promise<JWTPayload>;

function verifier({ audience, issuer, ...keys }: JwtKeys & JwtScope): Verify {
  const rules = {
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['exp'],
    ...(audience !== undefined && { audience }),
    ...(issuer !== undefined && { issuer }),
  };
  if ('jwksUrl' in keys) {
    const keySet = createRemoteJWKSet(new URL(keys.jwksUrl));
    return async (token, currentDate) =>
      (await jwtVerify(token, keySet, { ...rules, currentDate, algorithms: PUBLIC_KEY_ALGORITHMS })).payload;
  }
  if (keys.secret === '') throw new Error('the query API needs a JWT secret or a JWKS URL');
  const secret = new TextEncoder().encode(keys.secret);
  return async (token, currentDate) =>
    (await jwtVerify(token, secret, { ...rules, currentDate, algorithms: SHARED_SECRET_ALGORITHMS })).payload;
}
