export type Variant = 'as it is' | 'dictionaries by value' | 'merges of five';

export interface Asked {
  variant: Variant;
  units: number;
}

/** Microseconds an event. */
export interface Inserted {
  /** Of processor, of all threads: those that merge, too. */
  microseconds: number;
  /** By the clock, until the insert is answered. */
  waited: number;
}
