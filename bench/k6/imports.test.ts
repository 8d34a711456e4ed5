/** k6 has the modules that are its own, and no others; and the JavaScript of ECMAScript, without what Node and browsers add. */
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { SCRIPTS } from './scripts.ts';

const ENVIRONMENT = {
  BASE_URL: 'http://127.0.0.1:8000',
  TOKEN: 'token',
  RATE: '7',
  DURATION: '30s',
};

async function bundle(name: string) {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'neutral',
    packages: 'external',
    outfile: 'script.js',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { code: outputFiles[0]?.text ?? '', imports, inputs: Object.keys(metafile.inputs) };
}

/** Does nothing, whatever is called, made or read of it. */
const anything: object = new Proxy(class {}, {
  get: (_target, name) => (name === '__esModule' ? true : anything),
  apply: () => anything,
  construct: () => anything,
});

describe.each(Object.keys(SCRIPTS))('%s', async (name) => {
  const { code, imports, inputs } = await bundle(name);

  test('imports modules of k6, and files of the project that import no other', () => {
    expect(imports.filter((path) => !/^k6(\/\w+)?$/.test(path))).toEqual([]);
    expect(inputs.filter((path) => !/^(bench\/k6|contract)\//.test(path))).toEqual([]);
  });

  test('begins where there is nothing of Node, nor Intl', () => {
    const module: { exports: Record<string, unknown> } = { exports: {} };
    const context = createContext({ module, __ENV: ENVIRONMENT, require: () => anything });
    runInContext(
      'delete globalThis.Intl; delete globalThis.WebAssembly; delete globalThis.console;',
      context,
    );
    runInContext(code, context);
    const { options, setup, handleSummary } = module.exports;
    expect(options).toMatchObject({
      scenarios: {},
      thresholds: { checks: [expect.stringMatching(/^rate>/)] },
    });
    expect([typeof setup, typeof handleSummary]).toEqual(['function', 'function']);
  });

  test('exports what its scenarios execute', () => {
    const executed = [...code.matchAll(/exec: "(\w+)"|(?:openPages|reading|catchingUp)\("(\w+)"/g)].map(
      ([, given, named]) => given ?? named,
    );
    expect(executed.length).toBeGreaterThan(0);
    for (const exported of executed) expect(code).toMatch(new RegExp(`\\b${exported}: \\(\\) =>`));
  });
});
