/** One run of k6. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ScriptName } from '../scripts.ts';

/** k6 as the scripts want it: one form of summary in every version, and nothing sent to anybody but the system under test. */
const SETTINGS = {
  K6_NEW_MACHINE_READABLE_SUMMARY: 'false',
  K6_NO_USAGE_REPORT: 'true',
  K6_AUTO_EXTENSION_RESOLUTION: 'false',
};
const LONGEST_END_MS = 60_000;

/**
 * Answers its exit code.
 * @param interrupted then k6 is told to end, which it does with a summary of what there is
 */
export async function runK6(
  k6: string,
  script: ScriptName,
  k6Options: readonly string[],
  environment: NodeJS.ProcessEnv,
  interrupted: Promise<unknown>,
): Promise<number> {
  const path = fileURLToPath(new URL(`../${script}.ts`, import.meta.url));
  const child = spawn(k6, ['run', ...k6Options, path], {
    stdio: 'inherit',
    env: { ...environment, ...SETTINGS },
    // A terminal's Ctrl-C reaches the whole group: k6 is told once, by this process.
    detached: true,
  });
  const ended = once(child, 'exit');
  let impatience: NodeJS.Timeout | undefined;
  void interrupted.then(() => {
    child.kill('SIGINT');
    impatience = setTimeout(() => child.kill('SIGKILL'), LONGEST_END_MS);
  });
  const [code] = await ended;
  clearTimeout(impatience);
  return code ?? 1;
}
