import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('../dist/dashboard/', import.meta.url));
const MAX_INITIAL_BYTES = 120 * 1024;
const MAX_CHARTS_BYTES = 70 * 1024;

interface Chunk {
  file: string;
  isEntry?: boolean;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
}
const manifest: Record<string, Chunk> = JSON.parse(readFileSync(`${FOLDER}manifest.json`, 'utf8'));
const size = (file: string) => gzipSync(readFileSync(FOLDER + file), { level: 6 }).byteLength;

/** What the page loads before it can begin. */
function initial(): string[] {
  const files = new Set<string>();
  const add = (name: string) => {
    const chunk = manifest[name];
    if (chunk === undefined || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const each of chunk.imports ?? []) add(each);
  };
  add('index.html');
  return [...files];
}

test('the page begins with at most 120 KB of compressed JavaScript', () => {
  const bytes = initial().reduce((sum, file) => sum + size(file), 0);
  console.log(`initial JavaScript: ${(bytes / 1024).toFixed(1)} KB gzipped in ${initial().length} file(s)`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThanOrEqual(MAX_INITIAL_BYTES);
});

test('charts come apart from it', () => {
  const charts = manifest['charts/time-chart.tsx']?.file ?? '';
  console.log(`charts: ${(size(charts) / 1024).toFixed(1)} KB gzipped`);
  expect(initial()).not.toContain(charts);
  expect(size(charts)).toBeLessThanOrEqual(MAX_CHARTS_BYTES);
});

test('every file has the hash of its content in its name, as it is kept for ever', () => {
  const files = readdirSync(`${FOLDER}assets`);
  expect(files.length).toBeGreaterThan(2);
  expect(files.filter((file) => !/-[\w-]{8}\.\w+$/.test(file))).toEqual([]);
});
