-- Waits for the batches that are under way; those after wait for this transaction.
update last_erasure set number = number + 1 returning number
