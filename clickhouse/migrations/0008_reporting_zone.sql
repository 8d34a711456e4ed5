-- Whose days the stored events have: the last row says.
CREATE TABLE IF NOT EXISTS footfall.reporting_zone (
  time_zone String,
  since     DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY since;
