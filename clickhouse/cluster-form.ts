/**
 * The form that a migration takes on a cluster, made from its text, so that no table is defined twice.
 *
 * `footfall.TABLE` becomes `footfall.TABLE_local` on every server, replicated within its shard, and gets a Distributed
 * table of its own name over all of them. So queries and inserts stay as they are. A materialized view goes from local table to
 * local table: what a shard derives comes from the rows that it has.
 */
import { AnalyticsStoreError } from './port.ts';

const TABLE = /^CREATE TABLE IF NOT EXISTS footfall\.(\w+) \($/m;
const ENGINE = /^ENGINE = (?=\w*MergeTree$)/m;
/** Keeps nothing, so there is nothing to replicate. */
const NULL_ENGINE = /^ENGINE = Null$/m;
const VIEW = /^CREATE MATERIALIZED VIEW IF NOT EXISTS footfall\.(\w+) TO footfall\.(\w+) AS$/m;
const SOURCE = /^FROM footfall\.(\w+)$/m;
const SETTING = /^ALTER TABLE footfall\.(\w+)(?= MODIFY SETTING )/;

/**
 * Raw is cut by the first half of the visitor's number. The partition of the log is the remainder of that same half, so
 * where the number of shards divides PARTITIONS, a partition goes to one shard whole. What is derived adds up wherever
 * it stands. A minute of presence stands on one shard, so that it is there whole or not at all.
 */
const VISITOR = 'bitShiftRight(visitor, 32)';
const SHARDING_KEY: Record<string, string> = {
  event: VISITOR,
  event_intake: VISITOR,
  rezoning_event: VISITOR,
  last_seen: VISITOR,
  presence_minute: 'intDiv(toUnixTimestamp(minute), 60)',
};
const ANY_SHARD = 'rand()';

export function clusterForm(name: string) {
  const onCluster = ` ON CLUSTER '${name}'`;
  const local = (table: string) => `${table}_local`;

  function spread(table: string): string {
    const key = SHARDING_KEY[table] ?? ANY_SHARD;
    return `CREATE TABLE IF NOT EXISTS footfall.${table}${onCluster} AS footfall.${local(table)}
ENGINE = Distributed('${name}', 'footfall', '${local(table)}', ${key})`;
  }

  /** @throws AnalyticsStoreError `failed` for a statement of a kind that no migration has had yet */
  function definitions(statement: string): string[] {
    const table = TABLE.exec(statement)?.[1];
    if (table !== undefined && (ENGINE.test(statement) || NULL_ENGINE.test(statement))) {
      const onServers = statement
        .replace(TABLE, `CREATE TABLE IF NOT EXISTS footfall.${local(table)}${onCluster} (`)
        .replace(ENGINE, 'ENGINE = Replicated');
      return [onServers, spread(table)];
    }
    const [, view, target] = VIEW.exec(statement) ?? [];
    const source = SOURCE.exec(statement)?.[1];
    if (view !== undefined && target !== undefined && source !== undefined) {
      const onServers = statement
        .replace(
          VIEW,
          `CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.${view}${onCluster} TO footfall.${local(target)} AS`,
        )
        .replace(SOURCE, `FROM footfall.${local(source)}`);
      return [onServers];
    }
    const changed = SETTING.exec(statement)?.[1];
    if (changed !== undefined) {
      return [statement.replace(SETTING, `ALTER TABLE footfall.${local(changed)}${onCluster}`)];
    }
    throw new AnalyticsStoreError('failed', `no form for a cluster is known of: ${statement}`);
  }

  return { onCluster, local, spread, definitions };
}
