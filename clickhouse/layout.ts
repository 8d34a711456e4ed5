/** Where the tables of the store stand: on one server, or cut by visitor over the shards of a cluster. */
import { clusterForm } from './cluster-form.ts';

export interface Layout {
  /** Follows the name in a statement that changes tables. */
  readonly onCluster: string;
  /** Engine of a table that every server has a whole copy of. */
  readonly sharedEngine: string;
  /** The table in which a server keeps its rows of `table`. */
  local(table: string): string;
  /** What every server knows of one of its own tables, such as `system.processes`. */
  everywhere(systemTable: string): string;
  /** The statements that a statement of a migration stands for. */
  definitions(statement: string): string[];
  /** Makes `table` the one that reads and writes `local(table)` of all shards. */
  spread(table: string): string[];
  /** Waits until the replicas of a shard have the same rows of `table`. */
  sync(table: string): string[];
}

export const ONE_SERVER: Layout = {
  onCluster: '',
  sharedEngine: 'MergeTree',
  local: (table) => table,
  everywhere: (systemTable) => systemTable,
  definitions: (statement) => [statement],
  spread: () => [],
  sync: () => [],
};

/** `name` is that of a cluster in the servers' configuration, whose macros `{shard}` and `{replica}` are set. */
export function clusterLayout(name: string): Layout {
  const form = clusterForm(name);
  return {
    onCluster: form.onCluster,
    // One path for all shards.
    sharedEngine: "ReplicatedMergeTree('/clickhouse/tables/footfall/migration', '{shard}-{replica}')",
    local: form.local,
    everywhere: (systemTable) => `clusterAllReplicas('${name}', ${systemTable})`,
    definitions: form.definitions,
    spread: (table) => [form.spread(table)],
    sync: (table) => [`SYSTEM SYNC REPLICA${form.onCluster} footfall.${form.local(table)}`],
  };
}
