select number from last_erasure
