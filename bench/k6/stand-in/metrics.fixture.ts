/** `k6/metrics`, and what was added to them: samples with the tags that k6 would give them. */

interface Sample {
  value: number;
  tags: Record<string, string>;
}
export interface Recorded {
  type: 'counter' | 'gauge' | 'rate' | 'trend';
  contains: string;
  samples: Sample[];
}

export const recorded = new Map<string, Recorded>();
/** What every sample has for now. */
export const currentTags: Record<string, string> = {};

export function record(
  name: string,
  type: Recorded['type'],
  contains: string,
  value: number,
  tags: Record<string, string> = {},
): void {
  const metric = recorded.get(name) ?? { type, contains, samples: [] };
  recorded.set(name, metric);
  metric.samples.push({ value, tags: { ...currentTags, ...tags } });
}

function kind(type: Recorded['type']) {
  return class {
    readonly #name: string;
    readonly #contains: string;

    constructor(name: string, isTime = false) {
      this.#name = name;
      this.#contains = isTime ? 'time' : 'default';
      recorded.set(name, { type, contains: this.#contains, samples: [] });
    }

    add(value: number | boolean, tags: Record<string, string> = {}): void {
      record(this.#name, type, this.#contains, Number(value), tags);
    }
  };
}

export const Counter = kind('counter');
export const Gauge = kind('gauge');
export const Rate = kind('rate');
export const Trend = kind('trend');
