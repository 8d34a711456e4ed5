import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { serverAccount } from './account.ts';

const ROOT = 0;
const NOWHERE = join(tmpdir(), 'footfall-no-such-folder');
const node = process.execPath;
const options = { timeoutMs: 20_000 };

describe('the account of a server', () => {
  it('is the caller when that is an ordinary user', async () => {
    const account = await serverAccount(NOWHERE, 1_000);
    expect(account.owner).toBeUndefined();
    await account.run(node, ['--version'], options);
  });

  it('is nobody when root calls and there is no data yet', async () => {
    expect((await serverAccount(NOWHERE, ROOT)).owner).toEqual({ uid: 65_534, gid: 65_534 });
  });

  it('cannot be used by root without setpriv, which the error names', async () => {
    const account = await serverAccount(NOWHERE, ROOT, 'no-such-setpriv');
    await expect(account.run(node, ['--version'], options)).rejects.toMatchObject({
      name: 'SessionStoreError',
      code: 'failed',
      message: expect.stringMatching(/as root without setpriv.*util-linux.*ordinary user/),
    });
  });
});

describe('a program', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is given its input', async () => {
    const account = await serverAccount(NOWHERE, 1_000);
    const script = "require('fs').readFileSync(0, 'utf8') === 'the input' || process.exit(1)";
    await account.run(node, ['-e', script], { ...options, input: 'the input' });
  });

  it('that fails is reported with what it said', async () => {
    const account = await serverAccount(NOWHERE, 1_000);
    const failing = account.run(node, ['-e', "console.error('so it is'); process.exit(3)"], options);
    await expect(failing).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('so it is'),
    });
  });

  it('may end before it has read its input', async () => {
    const account = await serverAccount(NOWHERE, 1_000);
    await account.run(node, ['--version'], { ...options, input: 'x'.repeat(1_000_000) });
  });

  it('sees nothing of the environment of its caller', async () => {
    vi.stubEnv('FOOTFALL_TEST_SECRET', 'x');
    const account = await serverAccount(NOWHERE, 1_000);
    const script = "process.exit('FOOTFALL_TEST_SECRET' in process.env ? 1 : 0)";
    await account.run(node, ['-e', script], options);
  });
});
