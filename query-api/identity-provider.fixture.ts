/** An identity provider on a port of its own, whose keys can be changed. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  type CryptoKey,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';

type Algorithm = JWTHeaderParameters['alg'];

export interface IdentityProvider {
  /** Of its key set. */
  url: string;
  /** Times that the key set was asked for. */
  requests(): number;
  /** Puts a new key in the place of all others. */
  rotate(kid: string, algorithm: Algorithm): Promise<void>;
  /** Puts a new key beside the others. */
  add(kid: string, algorithm: Algorithm): Promise<void>;
  /** From now on this is the answer. */
  fail(status: number, body: string): void;
  publicKey(kid: string): CryptoKey;
  /** Signed with a key that is, or was, in the set; good for 5 minutes unless the claims say otherwise. */
  token(kid: string, claims?: JWTPayload, header?: Header): Promise<string>;
  close(): Promise<void>;
}

interface Header {
  /** Another one than the key's; null: none. */
  kid?: string | null;
  jwk?: JWK;
  jku?: string;
}

interface Key extends GenerateKeyPairResult {
  algorithm: Algorithm;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const made = new Map<string, Key>();
  let shown: string[] = [];
  let failure: { status: number; body: string } | undefined;
  let requests = 0;
  const keySet = async () => ({
    keys: await Promise.all(
      shown.map(async (kid) => {
        const { publicKey, algorithm } = of(kid);
        return { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
      }),
    ),
  });
  const server = createServer(async (_request, response) => {
    requests += 1;
    if (failure !== undefined) response.writeHead(failure.status, { Location: '/' }).end(failure.body);
    else response.writeHead(200).end(JSON.stringify(await keySet()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  function of(kid: string): Key {
    const key = made.get(kid);
    if (key === undefined) throw new Error(`there is no key ${kid}`);
    return key;
  }

  async function make(kid: string, algorithm: Algorithm): Promise<void> {
    made.set(kid, { ...(await generateKeyPair(algorithm)), algorithm });
  }

  return {
    url: `http://127.0.0.1:${address.port}/jwks.json`,
    requests: () => requests,
    async rotate(kid, algorithm) {
      await make(kid, algorithm);
      shown = [kid];
    },
    async add(kid, algorithm) {
      await make(kid, algorithm);
      shown.push(kid);
    },
    fail(status, body) {
      failure = { status, body };
    },
    publicKey: (kid) => of(kid).publicKey,
    token: (kid, claims = {}, { kid: named = kid, ...header } = {}) => {
      const { algorithm, privateKey } = of(kid);
      return new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 300, ...claims })
        .setProtectedHeader({ alg: algorithm, ...(named !== null && { kid: named }), ...header })
        .sign(privateKey);
    },
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
