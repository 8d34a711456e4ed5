/** A small button that says how a number is counted: on hover, focus or touch, and to screen readers. */
import { type KeyboardEvent, useId, useState } from 'react';

interface HelpProps {
  /** What it is about: `Visitors`. */
  about: string;
  children: string;
}

export function Help({ about, children }: HelpProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const close = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !shown) return;
    event.stopPropagation();
    setShown(false);
  };
  return (
    <span className="ff-help" onPointerEnter={() => setShown(true)} onPointerLeave={() => setShown(false)}>
      <button
        type="button"
        className="ff-help-button"
        aria-label={`How it is counted: ${about}`}
        aria-describedby={id}
        onClick={() => setShown(true)}
        onFocus={() => setShown(true)}
        onBlur={() => setShown(false)}
        onKeyDown={close}
      >
        ?
      </button>
      <span id={id} role="tooltip" className="ff-tooltip" hidden={!shown}>
        {children}
      </span>
    </span>
  );
}
