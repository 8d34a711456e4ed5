// Makes `dist/` of the TypeScript: a bundle, since loading a thousand small modules would take a start's longest part,
// and the dashboard for browsers.
import { readdirSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build as bundle, stop } from 'esbuild';
import { build as buildPages } from 'vite';
import { DIST, INPUTS, ROOT } from './fresh.js';

const DASHBOARD_CONFIG = join(ROOT, 'dashboard', 'vite.config.ts');
/** Packages stay where npm put them, but for this one, which has hundreds of modules. */
const BUNDLED_PACKAGES = /^typebox(\/|$)/;

async function build() {
  const { outputFiles, metafile } = await bundle({
    absWorkingDir: ROOT,
    entryPoints: ['footfall.ts'],
    outdir: DIST,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    metafile: true,
    write: false,
    logLevel: 'error',
    plugins: [ownPlace, externalPackages],
  });
  const modules = await bundleModules();
  await stop();
  const pages = await buildDashboard();
  await mkdir(DIST, { recursive: true });
  const inputs = JSON.stringify([...Object.keys(metafile.inputs), ...modules.inputs, ...dashboardSources()]);
  for (const { path, contents } of [...outputFiles, ...modules.files, ...pages])
    await replace(path, contents);
  await replace(INPUTS, inputs);
}

/** What other packages import as JavaScript: browsers bundle the beacon, applications load the tracker. */
const MODULES = [
  {
    entry: 'ingest/beacon/module.ts',
    types: 'ingest/beacon/public.ts',
    to: 'beacon/beacon',
    // What the browser says is asked at the start.
    options: { platform: 'browser', target: 'es2021', define: { RESPECT_DNT: 'false' } },
  },
  {
    entry: 'ingest/tracker/tracker.ts',
    types: 'ingest/tracker/public.ts',
    to: 'tracker/tracker',
    options: { platform: 'node', target: 'node20' },
  },
];

/** Types are a file of nothing else, copied. */
async function bundleModules() {
  const files = [];
  const inputs = [];
  for (const { entry, types, to, options } of MODULES) {
    const made = await bundle({
      absWorkingDir: ROOT,
      entryPoints: [entry],
      outfile: join(DIST, `${to}.js`),
      bundle: true,
      format: 'esm',
      metafile: true,
      write: false,
      logLevel: 'error',
      ...options,
    });
    files.push(...made.outputFiles, {
      path: join(DIST, `${to}.d.ts`),
      contents: await readFile(join(ROOT, types)),
    });
    inputs.push(...Object.keys(made.metafile.inputs), types);
  }
  return { files, inputs };
}

/** Answers its files; the page comes last, since it names the others. */
async function buildDashboard() {
  const { output } = await buildPages({ configFile: DASHBOARD_CONFIG, build: { write: false } });
  return output
    .map(({ fileName, code, source }) => ({
      path: join(DIST, 'dashboard', fileName),
      contents: code ?? source,
    }))
    .sort((a, b) => Number(a.path.endsWith('.html')) - Number(b.path.endsWith('.html')));
}

function dashboardSources() {
  const files = readdirSync(join(ROOT, 'dashboard'), { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && !file.name.endsWith('.test.ts'))
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)));
}

/** A module finds its SQL and data beside its source, wherever its code ends up. */
const ownPlace = {
  name: 'own-place',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = `new URL(${JSON.stringify(relative(DIST, path))}, import.meta.url).href`;
      const contents = await readFile(path, 'utf8');
      return { contents: contents.replaceAll('import.meta.url', source), loader: 'ts' };
    });
  },
};

const externalPackages = {
  name: 'external-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || BUNDLED_PACKAGES.test(path) ? undefined : { path, external: true },
    );
  },
};

/** A process that runs may load a chunk at any moment, so it must never see half of one. */
async function replace(path, contents) {
  const temporary = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

await build();
