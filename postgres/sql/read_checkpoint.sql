-- $1 partition
select partition, first_offset, next_offset from checkpoint where partition = $1
