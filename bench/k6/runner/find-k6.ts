/** Where k6 is, and whether it is new enough. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The first with `k6/websockets`. */
const LEAST = [1, 6] as const;
const HOW = 'https://grafana.com/docs/k6/latest/set-up/install-k6/';

export class K6MissingError extends Error {
  override readonly name = 'K6MissingError';
}

/**
 * `K6_PATH`, or `k6` of the PATH.
 * @throws K6MissingError saying how to get it
 */
export async function findK6(environment: NodeJS.ProcessEnv): Promise<string> {
  const named = environment.K6_PATH ?? '';
  const path = named === '' ? 'k6' : named;
  const said = await promisify(execFile)(path, ['version'], { env: environment }).then(
    ({ stdout }) => stdout,
    (cause: unknown) => {
      const where = named === '' ? 'k6 is not on the PATH' : `K6_PATH=${named}: cannot be run`;
      throw new K6MissingError(`${where}. Install it (${HOW}), or name it in K6_PATH.`, { cause });
    },
  );
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined || minor === undefined) {
    throw new K6MissingError(`${path} is not k6: asked for its version it said ${said.trim()}`);
  }
  if (Number(major) < LEAST[0] || (Number(major) === LEAST[0] && Number(minor) < LEAST[1])) {
    throw new K6MissingError(`${said.trim()} is too old: ${LEAST.join('.')} or later is needed (${HOW})`);
  }
  return path;
}
