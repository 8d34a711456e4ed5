-- Raw events: the truth. In stretches of 65,536 frames of the log, and by visitor within a stretch: a range of offsets is
-- in one or two of them, and what events of a visitor have in common is written once.
-- Never deduplicated by the engine, since its deduplication log can outlive the rows it vouches for.
-- An insert is on disk when it is answered, here and in the derived tables: the log forgets frames that were counted.
-- Ids tell repeats, and go a week after they were stored; imported history keeps them, since it may be imported again at any time.
CREATE TABLE IF NOT EXISTS footfall.event (
  log_partition UInt16,
  log_offset    UInt64 CODEC(Delta, ZSTD(3)),
  log_index     UInt16 CODEC(T64, ZSTD(3)),
  event_id      UUID TTL if(happened_at = received_at, stored_on + toIntervalDay(8), toDate('2149-06-06')),
  type          LowCardinality(String) CODEC(ZSTD(3)),
  received_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(3)),
  happened_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(3)),
  day           Date CODEC(ZSTD),
  hour          DateTime64(3, 'UTC') CODEC(Delta, ZSTD(3)),
  visitor       UInt64 CODEC(Delta, ZSTD(3)),
  session_id    String CODEC(ZSTD(3)),
  user_id       String CODEC(ZSTD(3)),
  community_id  UUID CODEC(ZSTD(3)),
  division_id   UUID CODEC(ZSTD(3)),
  division_type LowCardinality(String) CODEC(ZSTD(3)),
  relation      Enum8('unknown' = 0, 'same' = 1, 'cross' = 2) CODEC(ZSTD(3)),
  page          LowCardinality(String) CODEC(ZSTD(3)),
  url           LowCardinality(String) CODEC(ZSTD(3)),
  referrer      LowCardinality(String) CODEC(ZSTD(3)),
  title         LowCardinality(String) CODEC(ZSTD(3)),
  language      LowCardinality(String) CODEC(ZSTD(3)),
  screen        LowCardinality(String) CODEC(ZSTD(3)),
  country       LowCardinality(String) CODEC(ZSTD(3)),
  browser       LowCardinality(String) CODEC(ZSTD(3)),
  os            LowCardinality(String) CODEC(ZSTD(3)),
  device        LowCardinality(String) CODEC(ZSTD(3)),
  stored_on     Date DEFAULT today() CODEC(ZSTD),
  INDEX received_at received_at TYPE minmax GRANULARITY 1,
  INDEX event_id event_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, log_partition, intDiv(log_offset, 65536), visitor, log_offset, log_index)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  non_replicated_deduplication_window = 0, materialize_ttl_recalculate_only = 1, merge_with_ttl_timeout = 604800;
