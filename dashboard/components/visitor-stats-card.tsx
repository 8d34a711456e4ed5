/** One number, and how it has changed. */
import { count, change as inPercent } from '../format.ts';
import { Help } from './help.tsx';

export interface VisitorStatsCardProps {
  title: string;
  /** Undefined: not known yet. */
  value: number | undefined;
  /** Percent, against the period before; undefined: there is nothing to compare with. */
  change?: number | undefined;
  /** What it is compared with: `the 30 days before`. */
  comparedWith?: string | undefined;
  /** How it is counted. */
  help?: string;
  /** Said below it in small. */
  detail?: string | undefined;
  /** Default: a whole number. */
  format?: (value: number) => string;
}

/** Less than this many percent, either way, is no change. */
const UNCHANGED_BELOW = 0.05;

export function VisitorStatsCard(props: VisitorStatsCardProps) {
  const { title, value, change, comparedWith, help, detail, format = count } = props;
  return (
    <section className="ff-card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {help !== undefined && <Help about={title}>{help}</Help>}
      </header>
      <p className="ff-card-value">
        {value === undefined ? <span className="ff-blank">–</span> : format(value)}
      </p>
      <p className="ff-card-foot">
        {change !== undefined && <Change percent={change} comparedWith={comparedWith} />}
        {detail !== undefined && <span>{detail}</span>}
      </p>
    </section>
  );
}

interface ChangeProps {
  percent: number;
  comparedWith?: string | undefined;
}

export function Change({ percent, comparedWith }: ChangeProps) {
  const steady = Math.abs(percent) < UNCHANGED_BELOW;
  const direction = steady ? 'steady' : percent > 0 ? 'up' : 'down';
  const title = comparedWith === undefined ? undefined : `compared with ${comparedWith}`;
  return (
    <span className={`ff-change ff-${direction}`} title={title}>
      <span aria-hidden="true">{{ steady: '→', up: '↑', down: '↓' }[direction]}</span> {inPercent(percent)}
      {title !== undefined && <span className="ff-sr">, {title}</span>}
    </span>
  );
}
