/** Starts `log-process.fixture.ts`, gathers what it tells, and kills it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./log-process.fixture.ts', import.meta.url));

export class ForkedLog {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** `fileLimit`: size that no file may exceed, in blocks of 512 bytes: a disk that is full. */
  constructor(
    role: string,
    folder: string,
    partitions: number,
    { frames = 0, fileLimit = 'unlimited' }: { frames?: number; fileLimit?: number | 'unlimited' } = {},
  ) {
    const node = [
      process.execPath,
      '--import',
      'tsx',
      SCRIPT,
      role,
      folder,
      String(partitions),
      String(frames),
    ];
    const args = ['-c', 'ulimit -f "$0" && exec "$@"', String(fileLimit), ...node];
    const child = spawn('/bin/sh', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const output = createInterface({ input: child.stdout });
    output.on('line', (line) => this.lines.push(line));
    this.#child = child;
    this.#ended = Promise.all([once(child, 'exit'), once(output, 'close')]);
  }

  /** Resolves with the exit code, null when killed, after the last line was gathered. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
