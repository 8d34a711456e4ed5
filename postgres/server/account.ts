/**
 * Runs the programs of PostgreSQL as somebody who is not root, whom PostgreSQL refuses.
 *
 * An ordinary user runs them directly. Root runs them through `setpriv` as the owner of the data, or as `nobody` where
 * there is none yet. That account keeps one capability, DAC_OVERRIDE, since the data may lie below a folder that only
 * root may enter; `no_setuid_fixup` makes access(2) respect it too.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { SessionStoreError } from '../port.ts';

const NOBODY = 65_534;
/** The variables of the caller (PGDATA, PGPORT, LANG, ...) are kept out. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const MAX_OUTPUT_BYTES = 1024 * 1024;

export interface Account {
  /** Undefined: files stay with whoever runs this process. */
  owner: { uid: number; gid: number } | undefined;
  /** @throws SessionStoreError `failed` with what the program said */
  run(program: string, args: string[], options: { timeoutMs: number }): Promise<void>;
}

/** @param existing folder whose owner shall run the server, if it is there */
export async function serverAccount(existing: string): Promise<Account> {
  if (process.getuid?.() !== 0) return { owner: undefined, run: runner([]) };
  const owner = await ownerOf(existing);
  return {
    owner,
    run: runner([
      'setpriv',
      `--reuid=${owner.uid}`,
      `--regid=${owner.gid}`,
      '--clear-groups',
      '--securebits=+no_setuid_fixup',
      '--inh-caps=-all,+dac_override',
      '--ambient-caps=-all,+dac_override',
    ]),
  };
}

async function ownerOf(folder: string): Promise<{ uid: number; gid: number }> {
  try {
    const { uid, gid } = await stat(folder);
    return uid === 0 ? { uid: NOBODY, gid: NOBODY } : { uid, gid };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return { uid: NOBODY, gid: NOBODY };
    throw error;
  }
}

function runner(prefix: string[]): Account['run'] {
  return async (program, args, { timeoutMs }) => {
    const [file = program, ...rest] = [...prefix, program, ...args];
    try {
      await promisify(execFile)(file, rest, {
        cwd: '/',
        env: ENVIRONMENT,
        timeout: timeoutMs,
        maxBuffer: MAX_OUTPUT_BYTES,
      });
    } catch (cause) {
      if (file !== program && isCode(cause, 'ENOENT')) {
        throw new SessionStoreError(
          'failed',
          'the embedded PostgreSQL cannot run as root without setpriv: install util-linux, or start as an ordinary user',
          { cause },
        );
      }
      throw new SessionStoreError('failed', `${program} failed: ${outputOf(cause)}`, { cause });
    }
  };
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

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
