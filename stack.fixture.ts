/**
 * Where tests find the networked engines that `.ci/stack up` starts. Without them such tests are skipped with their
 * reason; under REQUIRE_STACK=1 a missing one is a failure, so that CI cannot skip them unseen.
 */
import { describe, it } from 'vitest';

export type StackEngine =
  /** `host:port` of one broker. */
  | 'STACK_KAFKA'
  /** `host:port,host:port,host:port` of a cluster of three. */
  | 'STACK_KAFKA_CLUSTER'
  /** `postgresql://...`, a superuser of an empty server: tests create databases of their own. */
  | 'STACK_POSTGRES'
  /** `redis://...` */
  | 'STACK_REDIS'
  /** `redis+cluster://host:port,host:port,host:port` */
  | 'STACK_REDIS_CLUSTER';

/** Runs `body` with the address of an engine, where it runs. */
export function describeWithStack(name: string, engine: StackEngine, body: (address: string) => void): void {
  const address = process.env[engine];
  if (address !== undefined && address !== '') {
    describe(name, () => body(address));
  } else if (process.env.REQUIRE_STACK === '1') {
    it(`${name}: needs ${engine}`, () => {
      throw new Error(`REQUIRE_STACK=1, but ${engine} is not set: run .ci/stack up`);
    });
  } else {
    it.skip(`${name} (${engine} is not set: start the engines with .ci/stack up)`, () => {});
  }
}

/** A test that starts engines of its own, by `.ci/stack`: run where a stack may be had at all. */
export function itWithStack(name: string, body: () => Promise<void>): void {
  if (process.env.STACK_DIR !== undefined || process.env.REQUIRE_STACK === '1') it(name, body);
  else it.skip(`${name} (set REQUIRE_STACK=1 where .ci/stack may start engines)`, () => {});
}
