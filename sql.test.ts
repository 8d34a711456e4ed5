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
const ESCAPED = 'an identifier, escaped by the driver';
const OURS = 'a constant, a random id or a number of our own';

/** By file and reason: what is put in, as it stands there, and how many times. */
const ALLOWED: Record<string, Record<string, Record<string, number>>> = {
  'clickhouse/cluster-form.ts': {
    [NAME]: {
      table: 1,
      'local(table)': 3,
      view: 1,
      'local(target)': 1,
      'local(source)': 1,
      'local(changed)': 1,
      key: 1,
    },
    [CLUSTER]: { name: 2, onCluster: 4 },
  },
  'clickhouse/derivation.ts': {
    [NAME]: { name: 4, key: 5, target: 1, lastSeen: 1, ofEvent: 2 },
    [PART]: {
      "returns(of, lastSeen, 'key')": 1,
      'views(of)': 1,
      OF_THE_SLICE: 5,
      where: 5,
      select: 1,
      'stateOf(of, lastSeen)': 2,
      rows: 2,
    },
  },
  'clickhouse/ended.ts': {
    [CLUSTER]: { 'layout.onCluster': 1, "layout.everywhere('system.processes')": 1 },
    [PART]: { condition: 2 },
  },
  'clickhouse/erase.ts': { [NAME]: { 'local(table)': 1 }, [CLUSTER]: { onCluster: 1 }, [PART]: { where: 1 } },
  'clickhouse/frozen.ts': { [OF_THE_STORE]: { name: 1 }, [OURS]: { NAME: 1 } },
  'clickhouse/http.ts': { [OURS]: { queryId: 1, INSERT_ID: 1 } },
  'clickhouse/intervals.ts': {
    [NAME]: {
      'local(table)': 3,
      'local(source)': 1,
      'local(tables.intervals)': 1,
      'local(intervals)': 2,
      'local(LIVE.intervals)': 2,
      'local(one)': 1,
      'local(other)': 1,
      table: 2,
      intervals: 1,
      'LIVE.intervals': 1,
      BUILDING: 1,
    },
    [CLUSTER]: {
      onCluster: 7,
      "this.#layout.everywhere('system.tables')": 1,
      "everywhere('system.parts')": 1,
    },
    [OURS]: { OPEN: 2 },
    [OF_THE_STORE]: { id: 1, name: 1 },
  },
  'clickhouse/layout.ts': {
    [NAME]: { systemTable: 1, 'form.local(table)': 1 },
    [CLUSTER]: { name: 1, 'form.onCluster': 1 },
  },
  'clickhouse/migrate.ts': { [CLUSTER]: { onCluster: 2 }, [PART]: { sharedEngine: 1 } },
  'clickhouse/rebuild.ts': {
    [NAME]: { "layout.local('event')": 2, 'layout.local(staging)': 2, staging: 1, STAGING: 1, table: 1 },
    [CLUSTER]: { onCluster: 2, 'layout.onCluster': 1, "layout.everywhere('system.tables')": 1 },
    [PART]: { REBUILD_SETTINGS: 1, 'onlyOf(day, layout)': 1 },
    [OF_THE_STORE]: { target: 2, source: 1, day: 2, name: 1 },
  },
  'clickhouse/retention.ts': {
    [NAME]: { table: 2 },
    [CLUSTER]: { 'layout.onCluster': 1 },
    [OURS]: { ttl: 1 },
  },
  'clickhouse/store.ts': { [NAME]: { "COLUMNS.join(', ')": 1 }, [PART]: { INSERT_SETTINGS: 1 } },
  'clickhouse/zone.ts': {
    [NAME]: {
      table: 2,
      "local('event')": 2,
      'local(WRITING)': 2,
      'local(WRITTEN)': 2,
      'local(QUARTER)': 1,
      'layout.local(table)': 1,
      WRITING: 1,
      QUARTER: 2,
      [written("tables.map((table) => `'«table»'`)")]: 1,
    },
    [CLUSTER]: { onCluster: 5, "layout.everywhere('system.parts')": 1 },
    [OF_THE_STORE]: { id: 1 },
  },
  'postgres/server/cluster.ts': { [NAME]: { ROLE: 4, BOOTSTRAP_SUPERUSER: 1 }, [OURS]: { password: 1 } },
  'postgres/restore.ts': {
    [ESCAPED]: { name: 3, 'pg.escapeIdentifier(name)': 1 },
    [OF_THE_STORE]: { table: 1 },
    [PART]: { to: 1 },
  },
  'postgres/snapshot.ts': { [ESCAPED]: { 'pg.escapeIdentifier(table)': 1 } },
};

const allowed = Object.entries(ALLOWED).flatMap(([file, reasons]) =>
  Object.values(reasons).flatMap((holes) =>
    Object.entries(holes).map(([expression, times]) => `${file}: ${expression} (${times})`),
  ),
);

/** `file: expression (times)`. */
function found(): string[] {
  const places = new Map<string, number>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })) {
      const file = folder === '.' ? name : `${folder}/${name}`;
      if (!file.endsWith('.ts') || NOT_PRODUCT.test(file)) continue;
      for (const { expression } of sqlHoles(readFileSync(file, 'utf8'))) {
        const place = `${file}: ${expression}`;
        places.set(place, (places.get(place) ?? 0) + 1);
      }
    }
  }
  return [...places].map(([place, times]) => `${place} (${times})`);
}

test('nothing is put into SQL but what is listed with a reason, and all that is listed is there', () => {
  expect(found().sort()).toEqual(allowed.sort());
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
