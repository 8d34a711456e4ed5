/** A ranking: names with a bar and a number each. */
import type { ReactNode } from 'react';
import { count } from '../format.ts';

interface Bar {
  key: string;
  name: ReactNode;
  value: number;
  /** Beside the number. */
  share?: string | undefined;
}

interface BarsProps {
  /** What is ranked, for screen readers. */
  label: string;
  bars: readonly Bar[];
}

export function Bars({ label, bars }: BarsProps) {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <ol className="ff-bars" aria-label={label}>
      {bars.map(({ key, name, value, share }) => (
        <li key={key}>
          <span className="ff-bar" style={{ inlineSize: `${(100 * value) / most}%` }} />
          <span className="ff-bar-name">{name}</span>
          <span className="ff-bar-value">{count(value)}</span>
          {share !== undefined && <span className="ff-bar-share">{share}</span>}
        </li>
      ))}
    </ol>
  );
}
