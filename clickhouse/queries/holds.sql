-- Whether raw has any row of a range of offsets in the month of a day.
SELECT count() > 0 AS held
FROM (
  SELECT 1
  FROM footfall.event
  WHERE day BETWEEN toStartOfMonth({day:Date}) AND toLastDayOfMonth({day:Date})
    AND log_partition = {partition:UInt16}
    AND log_offset >= {first_offset:UInt64} AND log_offset < {next_offset:UInt64}
  LIMIT 1
)
