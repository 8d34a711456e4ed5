/** What k6 hands to `handleSummary`: the part that is read here. */
export interface SummaryData {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly state: { readonly testRunDurationMs: number };
  readonly root_group?: Group;
}

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'rate' | 'trend';
  /** `time` is in ms. */
  readonly contains: string;
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

interface Group {
  readonly checks: readonly { readonly name: string; readonly passes: number; readonly fails: number }[];
  readonly groups: readonly Group[];
}

export interface CheckCount {
  readonly name: string;
  readonly passes: number;
  readonly fails: number;
}

export function checksOf(group: Group | undefined): CheckCount[] {
  if (group === undefined) return [];
  return [
    ...group.checks.map(({ name, passes, fails }) => ({ name, passes, fails })),
    ...group.groups.flatMap(checksOf),
  ];
}
