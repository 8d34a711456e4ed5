-- Places of the rows that raw has of a range of offsets in the month of a day.
SELECT log_offset, log_index
FROM footfall.event
WHERE day BETWEEN toStartOfMonth({day:Date}) AND toLastDayOfMonth({day:Date})
  AND log_partition = {partition:UInt16}
  AND log_offset >= {first_offset:UInt64} AND log_offset < {next_offset:UInt64}
