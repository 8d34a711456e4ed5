import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { query } from 'chdb';
import { describe, expect, it } from 'vitest';
import { clusterForm } from './cluster-form.ts';
import { statementsOf } from './migrate.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
const { definitions } = clusterForm('main');

const TABLE = `CREATE TABLE IF NOT EXISTS footfall.page_daily (
  day Date,
  page String
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, page)`;

const VIEW = `CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.page_daily_mv TO footfall.page_daily AS
SELECT day, page
FROM footfall.event
WHERE type != 'leave'`;

describe('the form of a migration on a cluster', () => {
  it('of a table is a replicated one on every server, and one over all of them', () => {
    expect(definitions(TABLE)).toEqual([
      `CREATE TABLE IF NOT EXISTS footfall.page_daily_local ON CLUSTER 'main' (
  day Date,
  page String
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY day
ORDER BY (day, page)`,
      `CREATE TABLE IF NOT EXISTS footfall.page_daily ON CLUSTER 'main' AS footfall.page_daily_local
ENGINE = Distributed('main', 'footfall', 'page_daily_local', rand())`,
    ]);
  });

  it('of a view goes from local table to local table', () => {
    expect(definitions(VIEW)).toEqual([
      `CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.page_daily_mv ON CLUSTER 'main' TO footfall.page_daily_local AS
SELECT day, page
FROM footfall.event_local
WHERE type != 'leave'`,
    ]);
  });

  it('of a table that keeps nothing is the same on every server, and sends rows to where raw has them', () => {
    const [local, spread] = definitions(
      'CREATE TABLE IF NOT EXISTS footfall.event_intake (\n  visitor UInt64\n)\nENGINE = Null',
    );
    expect(local).toMatch(/footfall\.event_intake_local ON CLUSTER 'main' \([\s\S]*ENGINE = Null$/);
    expect(spread).toMatch(/'event_intake_local', bitShiftRight\(visitor, 32\)\)$/);
  });

  it('of a setting changes the table on every server', () => {
    expect(definitions('ALTER TABLE footfall.event MODIFY SETTING merge_selector_base = 16')).toEqual([
      "ALTER TABLE footfall.event_local ON CLUSTER 'main' MODIFY SETTING merge_selector_base = 16",
    ]);
  });

  it.each(['ALTER TABLE footfall.event ADD COLUMN x UInt8', 'DROP TABLE footfall.event'])(
    'of %s is not known, and not guessed',
    (statement) => {
      expect(() => definitions(statement)).toThrow(/no form for a cluster/);
    },
  );

  it.each(readdirSync(FOLDER))('of %s is what ClickHouse can read, all of it on the cluster', (file) => {
    const statements = statementsOf(readFileSync(new URL(file, FOLDER), 'utf8'));
    for (const statement of statements.flatMap(definitions)) {
      const parsed = query(`SELECT formatQuery(${quoted(statement)})`, 'TSVRaw');
      expect(parsed).toMatch(/ ON CLUSTER main\b/);
      expect(parsed).not.toMatch(/ENGINE = (Aggregating)?MergeTree/);
    }
  });

  it('of raw keeps a partition of the log on one shard, where the number of shards divides PARTITIONS', () => {
    const key = /'event_local', (.*)\)$/.exec(
      definitions(TABLE.replaceAll('page_daily', 'event'))[1] ?? '',
    )?.[1];
    const visitors = Array.from({ length: 200 }, (_, n) =>
      createHmac('sha256', 's').update(`${n}`).digest('hex'),
    );
    const numbers = visitors.map((hex) => BigInt(`0x${hex.slice(0, 16)}`)).join(',');
    const shards = query(
      `SELECT (${key}) % 4 FROM (SELECT arrayJoin([${numbers}]::Array(UInt64)) AS visitor)`,
      'TSV',
    );
    const partitions = visitors.map((hex) => Number.parseInt(hex.slice(0, 8), 16) % 8);
    expect(shards.trim().split('\n').map(Number)).toEqual(partitions.map((partition) => partition % 4));
  });
});

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
