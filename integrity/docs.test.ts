/** What the documents name is there: files, headings, metrics, variables, commands. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { VARIABLES } from '../config.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What browsers and other systems call something. */
const OF_OTHERS = ['ERR_BLOCKED_BY_CLIENT', 'NODE_EXTRA_CA_CERTS', 'SALT_ROTATION'];
const NOT_OURS = ['.git', 'node_modules', 'dist', 'data', 'data-demo'];
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const FILES = filesBelow('');
const DOCUMENTS = FILES.filter((file) => /^(README|CONTRIBUTING|CHANGELOG)\.md$|^docs\/.*\.md$/.test(file));
const CODE = FILES.filter((file) =>
  /(\.(ts|tsx|js|sh|ya?ml|conf|example)|^\.ci\/\w+|^Dockerfile)$/.test(file),
)
  .filter((file) => !/\.test\.ts$/.test(file))
  .map(read)
  .join('\n');
const COMMANDS = new Set([...read('footfall.ts').matchAll(/\.command\('([\w-]+)/g)].map(([, name]) => name));

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  test('links to files and headings that are there', () => {
    const links = [
      ...withoutCode(text)
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\((?!\w+:)([^)\s]+)\)|(?:src|href)="(?!\w+:)([^"]+)"/g),
    ];
    const broken = links
      .map(([, inText, inTag]) => inText ?? inTag ?? '')
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const file = path === '' ? document : normalize(join(dirname(document), path));
        if (!existsSync(join(ROOT, file))) return true;
        return anchor !== undefined && !anchorsOf(read(file)).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  test('names metrics that the code has', () => {
    const named = new Set([...text.matchAll(/\bfootfall_[a-z_]+\b/g)].map(([name]) => name));
    expect([...named].filter((name) => !CODE.includes(`'${name}'`))).toEqual([]);
  });

  test('names variables that the code reads', () => {
    const named = [...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(
      ([, name = '']) => name,
    );
    const known = (name: string) =>
      [...VARIABLES, ...OF_OTHERS].includes(name) || new RegExp(`\\b${name}\\b`).test(CODE);
    expect([...new Set(named)].filter((name) => !known(name))).toEqual([]);
  });

  test('names commands that there are', () => {
    const named = [...text.matchAll(/(?:^|[\s`])(?:npm run footfall --|footfall) ([a-z][a-z-]*)/gm)];
    expect(named.map(([, name]) => name).filter((name) => !COMMANDS.has(name))).toEqual([]);
  });

  test('names files of this project that are there', () => {
    const named = [
      ...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:tsx?|js|sql|json|conf|ndjson|csv|example))`/g),
    ];
    const inFolders = named
      .map(([, name = '']) => name)
      .filter((name) => existsSync(join(ROOT, topOf(name))));
    expect(inFolders.filter((name) => !/NAME|NNN/.test(name) && !existsSync(join(ROOT, name)))).toEqual([]);
  });
});

test('every command is documented', () => {
  const texts = DOCUMENTS.map(read).join('\n');
  expect([...COMMANDS].filter((name) => !new RegExp(`footfall (-- )?${name}\\b`).test(texts))).toEqual([
    'all',
  ]);
});

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function topOf(file: string): string {
  return file.split('/', 1)[0] ?? '';
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = relative('.', join(folder, entry.name));
    if (NOT_OURS.includes(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
