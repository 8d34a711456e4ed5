/** Engines of a test's own, by `.ci/stack`: they can be killed and started again without hurting another test. */
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { StackEngine } from '../stack.fixture.ts';

const SCRIPT = fileURLToPath(new URL('../.ci/stack', import.meta.url));
const run = promisify(execFile);

export class Stack {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #addresses: Partial<Record<StackEngine, string>>;

  private constructor(environment: NodeJS.ProcessEnv, addresses: Partial<Record<StackEngine, string>>) {
    this.#environment = environment;
    this.#addresses = addresses;
  }

  /**
   * @param engines as `.ci/stack up` knows them
   * @param kafkaPort of a proxy to the single broker
   */
  static async up(engines: string[], kafkaPort?: number): Promise<Stack> {
    // Inside a folder that may be made anew: PostgreSQL runs as another user, who has to get in.
    const folder = join(await mkdtemp(join(tmpdir(), 'footfall-stack-')), 'stack');
    await run('chmod', ['755', join(folder, '..')]);
    const advertised = kafkaPort === undefined ? {} : { KAFKA_ADVERTISED_PORT: String(kafkaPort) };
    const environment = { ...process.env, STACK_DIR: folder, ...advertised };
    const { stdout } = await run(SCRIPT, ['up', ...engines], { env: environment });
    const addresses = Object.fromEntries(
      [...stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, address]) => [name, address]),
    );
    return new Stack(environment, addresses);
  }

  address(engine: StackEngine): string {
    const address = this.#addresses[engine];
    if (address === undefined) throw new Error(`${engine} is not part of this stack`);
    return address;
  }

  /** SIGKILL, as `.ci/stack kill`. */
  async kill(name: string): Promise<void> {
    await this.#call('kill', name);
  }

  async start(name: string): Promise<void> {
    await this.#call('start', name);
  }

  async down(): Promise<void> {
    await this.#call('down');
  }

  async #call(...args: string[]): Promise<void> {
    await run(SCRIPT, args, { env: this.#environment });
  }
}
