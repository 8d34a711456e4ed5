-- Raw events: the truth. In the order of the log within a day, so that a range of offsets is a short range of rows;
-- never deduplicated by the engine, since its deduplication log can outlive the rows it vouches for.
-- An insert is on disk when it is answered, here and in the derived tables: the log forgets frames that were counted.
CREATE TABLE IF NOT EXISTS footfall.event (
  log_partition UInt16,
  log_offset    UInt64 CODEC(Delta, ZSTD),
  log_index     UInt16 CODEC(Delta, ZSTD),
  event_id      UUID,
  type          LowCardinality(String),
  received_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  happened_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  day           Date,
  hour          DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  visitor       UInt64,
  session_id    String CODEC(ZSTD),
  user_id       String CODEC(ZSTD),
  community_id  UUID CODEC(ZSTD),
  division_id   UUID CODEC(ZSTD),
  division_type LowCardinality(String),
  relation      Enum8('unknown' = 0, 'same' = 1, 'cross' = 2),
  page          String CODEC(ZSTD),
  url           String CODEC(ZSTD),
  referrer      String CODEC(ZSTD),
  title         String CODEC(ZSTD),
  language      LowCardinality(String),
  screen        LowCardinality(String),
  country       LowCardinality(String),
  browser       LowCardinality(String),
  os            LowCardinality(String),
  device        LowCardinality(String),
  INDEX received_at received_at TYPE minmax GRANULARITY 1,
  INDEX event_id event_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, log_partition, log_offset, log_index)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  non_replicated_deduplication_window = 0, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1;
