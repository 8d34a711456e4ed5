/** A panel's border, title, help and controls. */
import { type ReactNode, type RefObject, useId } from 'react';
import { Help } from './help.tsx';

export interface FrameProps {
  title: string;
  /** How it is counted. */
  help: string;
  /** Beside the title. */
  actions?: ReactNode;
  /** Said where the filters have chosen what its question does not know of. */
  note?: string | undefined;
  className?: string;
  target?: RefObject<HTMLElement | null>;
  busy?: boolean;
  children: ReactNode;
}

export function Frame({
  title,
  help,
  actions,
  note,
  className = '',
  target,
  busy = false,
  children,
}: FrameProps) {
  const heading = useId();
  return (
    <section ref={target} className={`ff-panel ${className}`} aria-labelledby={heading} aria-busy={busy}>
      <header className="ff-panel-head">
        <h2 id={heading}>{title}</h2>
        <Help about={title}>{help}</Help>
        {note !== undefined && <span className="ff-chip">{note}</span>}
        {actions !== undefined && <div className="ff-panel-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
