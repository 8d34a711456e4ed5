/**
 * Runs the programs of PostgreSQL as somebody who is not root, whom PostgreSQL refuses.
 *
 * An ordinary user runs them directly. Root runs them through `setpriv` as the owner of the data, or as `nobody` where
 * there is none yet, without any capability if that account can reach its files. It often cannot, since they lie below
 * a folder that only root may enter: then it keeps one (see capability.ts), and `no_setuid_fixup` makes access(2)
 * respect it too.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isCode } from '../../file-system.ts';
import { SessionStoreError } from '../port.ts';
import { type Capability, capabilityFor, type Owner } from './capability.ts';

const NOBODY: Owner = { uid: 65_534, gid: 65_534 };
/** The variables of the caller (PGDATA, PGPORT, LANG, ...) are kept out. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  // What glibc begins with, but once it is set it stays: mallopt(3). Else each process that has written a large batch keeps the memory
  // that it took.
  MALLOC_TRIM_THRESHOLD_: '131072',
};
const MAX_OUTPUT_BYTES = 1024 * 1024;

export interface Account {
  /** Undefined: files stay with whoever runs this process. */
  owner: Owner | undefined;
  /**
   * @param options.input what the program reads from its standard input
   * @throws SessionStoreError `failed` with what the program said
   */
  run(program: string, args: string[], options: { timeoutMs: number; input?: string }): Promise<void>;
}

/**
 * @param existing folder whose owner shall run the server, if it is there; everything that it opens lies beside it
 * @param caller user id of this process; undefined where there are none
 */
export async function serverAccount(
  existing: string,
  caller = process.getuid?.(),
  setpriv = 'setpriv',
): Promise<Account> {
  if (caller !== 0) return { owner: undefined, run: (...what) => execute([], ...what) };
  const owner = await ownerOf(existing);
  return {
    owner,
    async run(program, args, options) {
      const capability = await capabilityFor(owner, existing, program);
      try {
        await execute([setpriv, ...privileges(owner, capability)], program, args, options);
      } catch (error) {
        if (!(error instanceof SessionStoreError && isCode(error.cause, 'ENOENT'))) throw error;
        throw new SessionStoreError(
          'failed',
          'the embedded PostgreSQL cannot run as root without setpriv: install util-linux, or start as an ordinary user',
          { cause: error.cause },
        );
      }
    },
  };
}

function privileges(owner: Owner, capability: Capability | undefined): string[] {
  const kept = capability === undefined ? '' : `,+${capability}`;
  return [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--no-new-privs',
    ...(capability === undefined ? [] : ['--securebits=+no_setuid_fixup']),
    `--inh-caps=-all${kept}`,
    `--ambient-caps=-all${kept}`,
  ];
}

async function ownerOf(folder: string): Promise<Owner> {
  try {
    const { uid, gid } = await stat(folder);
    return uid === 0 ? NOBODY : { uid, gid };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return NOBODY;
    throw error;
  }
}

async function execute(
  prefix: string[],
  program: string,
  args: string[],
  { timeoutMs, input = '' }: Parameters<Account['run']>[2],
): Promise<void> {
  const [file = program, ...rest] = [...prefix, program, ...args];
  try {
    const running = promisify(execFile)(file, rest, {
      cwd: '/',
      env: ENVIRONMENT,
      timeout: timeoutMs,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    // A program that ends without reading breaks the pipe; its exit code says all there is to say.
    running.child.stdin?.on('error', () => {}).end(input);
    await running;
  } catch (cause) {
    throw new SessionStoreError('failed', `${program} failed: ${outputOf(cause)}`, { cause });
  }
}

function outputOf(error: unknown): string {
  if (
    error instanceof Error &&
    'stderr' in error &&
    typeof error.stderr === 'string' &&
    error.stderr !== ''
  ) {
    return error.stderr.trim();
  }
  return error instanceof Error ? error.message : String(error);
}
