import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { authenticator } from '../query-api/auth.ts';
import { readSecrets } from './secrets.ts';
import { ownToken } from './token.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'footfall-token-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

test.each([
  [{}],
  [{ JWT_AUDIENCE: 'footfall', JWT_ISSUER: 'https://id.example' }],
  [{ JWT_SECRET: 'a secret of the environment, long enough', JWT_AUDIENCE: 'footfall' }],
])('a token of our own is good where it was made: %o', async (environment) => {
  const config = readConfig({ DATA_DIR: dataDir, ...environment });
  const token = await ownToken(config, { staff: true, subject: 'mia', expiresIn: 60 });
  const secret = readSecrets(config).jwtSecret;
  const scope = { audience: config.jwtAudience, issuer: config.jwtIssuer };
  const identity = await authenticator({ secret, ...scope }, Date.now)(token);
  expect(identity).toMatchObject({ subject: 'mia', isStaff: true });
});
