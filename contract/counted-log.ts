/** Whether a log is the one that the stores have counted: of another one the first frames would be skipped. */
interface Log {
  /** Undefined where the engine has none. */
  identity: string | undefined;
  /** Of a partition: offset after its last frame. */
  end: number;
}

/** The checkpoint of the partition. */
interface Counted {
  logIdentity?: string | undefined;
  nextOffset: number;
}

/** Why it is another one, in words; undefined where nothing says so. */
export function whyAnotherLog({ identity, end }: Log, counted: Counted): string | undefined {
  const { logIdentity, nextOffset } = counted;
  if (identity !== undefined && logIdentity !== undefined && identity !== logIdentity)
    return `the log is ${identity}, but the stores have counted ${logIdentity}`;
  if (end < nextOffset)
    return `the log ends at offset ${end}, but the stores have counted up to ${nextOffset}`;
  return undefined;
}
