-- What events are inserted into, and nothing is kept in. Its texts are plain: ClickHouse adds the values of `LowCardinality(String)` to a
-- dictionary one by one as it reads them from JSON, and a view makes the dictionaries of a whole block.
CREATE TABLE IF NOT EXISTS footfall.event_intake (
  log_partition UInt16,
  log_offset    UInt64,
  log_index     UInt16,
  event_id      UUID,
  type          String,
  received_at   DateTime64(3, 'UTC'),
  happened_at   DateTime64(3, 'UTC'),
  day           Date,
  hour          DateTime64(3, 'UTC'),
  visitor       UInt64,
  session_id    String,
  user_id       String,
  community_id  UUID,
  division_id   UUID,
  division_type String,
  relation      Enum8('unknown' = 0, 'same' = 1, 'cross' = 2),
  page          String,
  url           String,
  referrer      String,
  title         String,
  language      String,
  screen        String,
  country       String,
  browser       String,
  os            String,
  device        String
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS footfall.event_intake_mv TO footfall.event AS
SELECT *
FROM footfall.event_intake;
