/** What bench/README.md says of variables and names is what the benches read. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { BENCHES } from './benches.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const README = readFileSync(`${HERE}/README.md`, 'utf8');
const SCRIPTS = readdirSync(HERE).filter((file) => /^[a-z-]+\.ts$/.test(file) && file !== 'k6.ts');
/** Not of the load. */
const OF_THE_SYSTEM = ['RESULTS', 'NODE_OPTIONS'];

test.each(SCRIPTS)('names every variable of %s', (file) => {
  const code = readFileSync(`${HERE}/${file}`, 'utf8');
  const single = [...code.matchAll(/process\.env\.([A-Z_]+)/g)].map(([, name = '']) => name);
  const taken = [...code.matchAll(/const \{ ([A-Z_, ]+) \} = process\.env/g)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  const row = README.split('\n').find((line) => line.startsWith(`| \`${file.replace('.ts', '')}\` |`)) ?? '';
  const unnamed = [...single, ...taken].filter((name) => !row.includes(`\`${name}\``));
  expect(unnamed.filter((name) => !OF_THE_SYSTEM.includes(name))).toEqual([]);
});

test('names the benches that can be run together', () => {
  const names = BENCHES.map(({ name }) => name).join(' ');
  expect(README).toContain(`# some of: ${names}\n`);
});
