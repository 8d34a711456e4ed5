/**
 * No value is put into SQL as text: values go by bound parameters, and statements stand in files.
 *
 * What may be put in is listed here, each place with its reason. A new one makes this fail: bind it, or say here why it
 * cannot be a value that somebody gave.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sqlHoles } from './sql-text.fixture.ts';

const FOLDERS = [
  '.',
  ...['cli', 'clickhouse', 'contract', 'ingest', 'kafka', 'pipeline', 'postgres', 'query-api', 'redis'],
];
const NOT_PRODUCT = /\.(test|fixture|case|child|integrity|config)\.ts$/;

/** A hole is written «so» here, since this is no template. */
const written = (source: string) => source.replaceAll('«', '${').replaceAll('»', '}');

const NAME = 'a name of our own tables, columns or dimensions: constants, which cannot be bound';
const CLUSTER = 'the name of the cluster, of which config.ts takes letters, digits, _ and - alone';
const PART = 'a part of the statement, which is put together there of constants and of what is listed here';
const OF_THE_STORE = 'of DDL, which takes no parameters: an id, a day or a name that the store has given';
const OURS = 'a constant, a random id or a number of our own';

/** By file and reason: what is put in, as it stands there. */
const ALLOWED: Record<string, Record<string, string[]>> = {
  'clickhouse/cluster-form.ts': {
    [NAME]: ['table', 'local(table)', 'view', 'local(target)', 'local(source)', 'local(changed)', 'key'],
    [CLUSTER]: ['name', 'onCluster'],
  },
  'clickhouse/derivation.ts': {
    [NAME]: ['name', 'key', 'target', 'lastSeen', 'ofEvent'],
    [PART]: [
      "returns(of, lastSeen, 'key')",
      'views(of)',
      'OF_THE_SLICE',
      'where',
      'select',
      'stateOf(of, lastSeen)',
      'rows',
    ],
  },
  'clickhouse/ended.ts': {
    [CLUSTER]: ['layout.onCluster', "layout.everywhere('system.processes')"],
    [PART]: ['condition'],
  },
  'clickhouse/http.ts': { [OURS]: ['queryId', 'INSERT_ID'] },
  'clickhouse/intervals.ts': {
    [NAME]: [
      'local(table)',
      'local(source)',
      'local(tables.intervals)',
      'local(intervals)',
      'local(LIVE.intervals)',
      'local(one)',
      'local(other)',
      'table',
      'intervals',
      'LIVE.intervals',
      'BUILDING',
    ],
    [CLUSTER]: ['onCluster', "this.#layout.everywhere('system.tables')", "everywhere('system.parts')"],
    [OURS]: ['OPEN'],
    [OF_THE_STORE]: ['id', 'name'],
  },
  'clickhouse/layout.ts': {
    [NAME]: ['systemTable', 'form.local(table)'],
    [CLUSTER]: ['name', 'form.onCluster'],
  },
  'clickhouse/migrate.ts': { [CLUSTER]: ['onCluster'], [PART]: ['sharedEngine'] },
  'clickhouse/rebuild.ts': {
    [NAME]: ["layout.local('event')", 'layout.local(staging)', 'staging', 'STAGING', 'table'],
    [CLUSTER]: ['onCluster', 'layout.onCluster', "layout.everywhere('system.tables')"],
    [PART]: ['REBUILD_SETTINGS', 'onlyOf(day, layout)'],
    [OF_THE_STORE]: ['target', 'source', 'day', 'name'],
  },
  'clickhouse/retention.ts': { [NAME]: ['table'], [CLUSTER]: ['layout.onCluster'], [OURS]: ['ttl'] },
  'clickhouse/store.ts': { [NAME]: ["COLUMNS.join(', ')"], [PART]: ['INSERT_SETTINGS'] },
  'clickhouse/zone.ts': {
    [NAME]: [
      'table',
      "local('event')",
      'local(WRITING)',
      'local(WRITTEN)',
      'local(QUARTER)',
      'layout.local(table)',
      'WRITING',
      'QUARTER',
      written("tables.map((table) => `'«table»'`)"),
    ],
    [CLUSTER]: ['onCluster', "layout.everywhere('system.parts')"],
    [OF_THE_STORE]: ['id'],
  },
  'postgres/server/cluster.ts': { [NAME]: ['ROLE', 'BOOTSTRAP_SUPERUSER'], [OURS]: ['password'] },
};

const allowed = Object.entries(ALLOWED).flatMap(([file, reasons]) =>
  Object.values(reasons).flatMap((expressions) => expressions.map((expression) => `${file}: ${expression}`)),
);

/** `file: expression`, and where that stands. */
function found(): Map<string, string> {
  const places = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })) {
      const file = folder === '.' ? name : `${folder}/${name}`;
      if (!file.endsWith('.ts') || NOT_PRODUCT.test(file)) continue;
      for (const { expression, line } of sqlHoles(readFileSync(file, 'utf8'))) {
        places.set(`${file}: ${expression}`, `${file}:${line} puts in ${expression}`);
      }
    }
  }
  return places;
}

test('nothing is put into SQL but what is listed with a reason, and all that is listed is there', () => {
  const places = found();
  const unlisted = [...places].filter(([place]) => !allowed.includes(place)).map(([, where]) => where);
  expect(unlisted).toEqual([]);
  expect(allowed.filter((place) => !places.has(place))).toEqual([]);
});

test.each([
  ['a template', 'query(`SELECT a FROM t WHERE b = «value»`)', ['value']],
  ['a template in lower case', 'query(`delete from t where b = «value»`)', ['value']],
  ['several lines', 'query(`SELECT a\nFROM t\nWHERE b IN («values.join()»)`)', ['values.join()']],
  ['a sum of texts', "query('select a from t where b = ' + value)", ['value']],
  [
    'a longer sum',
    'query("select a from t " + \'where b = \' + value + ` limit «limit»`)',
    ['value', 'limit'],
  ],
  ['a part of a condition', "const condition = `id = '«id»'`", ['id']],
  ['a name', 'run(`DROP TABLE «table»`)', ['table']],
  ['one in another', 'run(`INSERT INTO t «more ? `VALUES («value»)` : rest»`)', null],
])('finds what is put in by %s', (_, source, expressions) => {
  const seen = sqlHoles(written(source)).map(({ expression }) => expression);
  if (expressions === null) expect(seen).toContain('value');
  else expect(seen).toEqual(expressions);
});

test.each([
  "query('select a from t where b = $1', [value])",
  'query(`SELECT a FROM t`)',
  'throw new Error(`cannot read «file»: set it, or update to «version»`)',
  'const page = `/from/«where»`',
  "const sum = 'select' + 1",
])('passes over what is none: %s', (source) => {
  expect(sqlHoles(written(source))).toEqual([]);
});
