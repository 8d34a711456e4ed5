// Fails unless package.json names one exact version of each dependency, and the lock file has that one.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? '.');
const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = read('package.json');
const { packages } = read('package-lock.json');

const EXACT = /^(npm:[^@]+@|npm:@[^@]+@)?(?<version>\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?)$/;

const wanted = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
const problems = wanted.flatMap(([name, range]) => {
  const version = EXACT.exec(range)?.groups?.version;
  if (version === undefined) return `${name}: ${range} is not one exact version`;
  const locked = packages[`node_modules/${name}`]?.version;
  return locked === version ? [] : `${name}: ${range}, but package-lock.json has ${locked ?? 'none'}`;
});

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`${wanted.length} dependencies have exact versions`);
