/** Settings of statements, the same on all engines. */
import { availableParallelism } from 'node:os';
import type { ClickHouseSettings } from '@clickhouse/client';
import { availableMemory } from '../memory.ts';
import { MAX_ROWS_PER_INSERT } from './port.ts';

const MAX_MEMORY_BYTES = Math.min(4 * 1024 ** 3, Math.floor(availableMemory() / 4));

/** Of the clients that read. A dashboard is given up after a minute, since nobody waits longer. */
export const READER_SETTINGS: ClickHouseSettings = {
  // apache-arrow for JS has no decompressor.
  output_format_arrow_compression_method: 'none',
  max_execution_time: 60,
  max_memory_usage: String(MAX_MEMORY_BYTES),
};

/**
 * One insert is one block, and so one part: written whole or not at all. Text, as they stand in the statement itself:
 * chDB would SET the client's settings before it, and for each look through all rows once more (330 ms for 10,000
 * rows that take 100 ms this way).
 */
export const INSERT_SETTINGS = [
  'async_insert = 0',
  'input_format_parallel_parsing = 0',
  'max_insert_threads = 1',
  `max_insert_block_size = ${2 * MAX_ROWS_PER_INSERT}`,
  `min_insert_block_size_rows = ${2 * MAX_ROWS_PER_INSERT}`,
  'min_insert_block_size_bytes = 0',
  'max_insert_block_size_bytes = 0',
  'materialized_views_ignore_errors = 0',
  // On a cluster: by the shards, and by most replicas of each, when it is answered.
  'distributed_foreground_insert = 1',
  "insert_quorum = 'auto'",
  `max_memory_usage = ${MAX_MEMORY_BYTES}`,
].join(', ');

/** Of the minutes of presence: a minute is one block, on a cluster of one shard. */
export const PRESENCE_SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  distributed_foreground_insert: 1,
};

export const REBUILD_SETTINGS = [
  `max_memory_usage = ${MAX_MEMORY_BYTES}`,
  // On a cluster each shard reads and writes its own tables.
  'parallel_distributed_insert_select = 2',
  'distributed_foreground_insert = 1',
].join(', ');

/** Of statements that derive return intervals: they make way for those who insert and read. */
export const DERIVE_SETTINGS: ClickHouseSettings = {
  max_memory_usage: String(1024 ** 3),
  max_threads: Math.max(1, Math.floor(availableParallelism() / 2)),
  os_threads_nice_value_query: 10,
  // Months may have any number of closed days to say so of.
  max_partitions_per_insert_block: '0',
  distributed_foreground_insert: 1,
  alter_sync: '2',
  // Nothing may be open.
  allow_replace_partition_from_empty_source: 1,
};
