// Fails with the package's name for a licence that is not allowed, as its package.json declares it or as its licence files read.
// Reads what is installed, development's packages too: `npm ci` first. What is compiled into a binary it cannot see.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? '.');

/** SPDX identifiers. All let the code be used, changed and passed on in a product under any licence. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]);

const FILE_WISE =
  'MPL-2.0 binds changes to its own files, and none of them is changed or copied into what is built here';
/** Package to the licence that it may have all the same, and why. */
const EXCEPTIONS = {
  lightningcss: { licence: 'MPL-2.0', why: `Vite minifies CSS with it: ${FILE_WISE}` },
  'lightningcss-*': { licence: 'MPL-2.0', why: `its binary for a platform: ${FILE_WISE}` },
  'axe-core': { licence: 'MPL-2.0', why: `tests alone load it into a page: ${FILE_WISE}` },
};

const SECONDARY = 'the text of MPL-2.0 names them as secondary licences';
const GENERAL_NOTICE = 'a sentence about such libraries in general; what it lists is under other licences';
/** Licence files that speak of the GPL family, and why that does not bind. */
const MENTIONS = {
  'axe-core/LICENSE': SECONDARY,
  'lightningcss/LICENSE': SECONDARY,
  'lightningcss-*/LICENSE': SECONDARY,
  'lmdb/dependencies/lz4/LICENSE': 'only `lib` of LZ4 is there, which is under BSD-2-Clause',
  'typescript/NOTICE.txt': GENERAL_NOTICE,
  '@typescript/typescript-*/NOTICE.txt': GENERAL_NOTICE,
};

const COPYLEFT =
  /GNU\s+(LESSER\s+|LIBRARY\s+|AFFERO\s+)?GENERAL\s+PUBLIC\s+LICENSE|\b[AL]?GPL(-?v?[123]|\b)/i;
const LICENCE_FILE = /^(licen[cs]e|copying|copyright|notice|third-?party)|\.licen[cs]e(\.\w+)?$/i;

const installed = Object.keys(readJson('node_modules/.package-lock.json').packages)
  .filter((path) => existsSync(join(root, path, 'package.json')))
  .map((path) => ({ path, name: path.split('node_modules/').pop() }));
const problems = installed.flatMap(problemsOf);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`${installed.length} packages have allowed licences`);

function problemsOf({ path, name }) {
  const { version, license, licenses } = readJson(join(path, 'package.json'));
  const declared = spdx(license ?? licenses);
  const found = [];
  if (!isAllowed(declared) && matching(EXCEPTIONS, name)?.licence !== declared)
    found.push(`${name}@${version}: ${declared || 'declares no licence'}`);
  for (const file of licenceFiles(path))
    if (matching(MENTIONS, `${name}/${file}`) === undefined && COPYLEFT.test(readText(join(path, file))))
      found.push(`${name}@${version}: ${file} speaks of the GPL, the LGPL or the AGPL`);
  return found;
}

/** One of what `OR` parts, and of that all that `AND` joins. Parentheses inside are for a person to read. */
function isAllowed(expression) {
  const plain = expression.replace(/^\(([^()]*)\)$/, '$1');
  return plain.split(/\s+OR\s+/).some((choice) => choice.split(/\s+AND\s+/).every(isAllowedLicence));
}

/** An exception to a licence (`WITH`) only adds rights. */
function isAllowedLicence(text) {
  return ALLOWED.has(text.trim().split(/\s+WITH\s+/)[0]);
}

/** Old packages have an object, or several. */
function spdx(declared) {
  if (Array.isArray(declared)) return declared.map(spdx).join(' OR ');
  return String(declared?.type ?? declared ?? '').trim();
}

/** Also of what a package has copied from others, but not of packages below it, which are looked at by themselves. */
function licenceFiles(path, below = '') {
  return readdirSync(join(root, path, below), { withFileTypes: true }).flatMap((entry) => {
    const file = join(below, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : licenceFiles(path, file);
    return entry.isFile() && LICENCE_FILE.test(entry.name) ? [file] : [];
  });
}

function matching(table, name) {
  const found = Object.keys(table).find((known) => {
    const [begin = '', end] = known.split('*');
    return end === undefined ? name === known : name.startsWith(begin) && name.endsWith(end);
  });
  return found === undefined ? undefined : table[found];
}

function readText(file) {
  return readFileSync(join(root, file), 'utf8');
}

function readJson(file) {
  return JSON.parse(readText(file));
}
