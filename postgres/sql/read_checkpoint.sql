-- $1 partition
select first_offset, next_offset, log_identity from checkpoint where partition = $1
