/** Colours of the style sheet for what is drawn on a canvas, and drawn again when they change. */
import { type RefObject, useLayoutEffect, useState } from 'react';

export type ColorName =
  | 'total'
  | 'known'
  | 'anonymous'
  | 'new'
  | 'returning'
  | 'before'
  | 'quiet'
  | 'line'
  | 'surface'
  | 'ink';
export type Colors = Readonly<Record<ColorName, string>>;

/** Undefined until the element is there. */
export function useColors(element: RefObject<HTMLElement | null>): Colors | undefined {
  const [colors, setColors] = useState<Colors>();
  useLayoutEffect(() => {
    const within = element.current;
    if (within === null) return;
    const read = () => setColors(colorsIn(within));
    read();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', read);
    const themed = within.closest('[data-theme]');
    const observer = new MutationObserver(read);
    if (themed !== null) observer.observe(themed, { attributeFilter: ['data-theme'] });
    return () => {
      dark.removeEventListener('change', read);
      observer.disconnect();
    };
  }, [element]);
  return colors;
}

/** The value of a variable may be a function of the theme: an element's own colour is not. */
function colorsIn(element: HTMLElement): Colors {
  const probe = document.createElement('span');
  element.append(probe);
  const of = (name: ColorName) => {
    probe.style.color = `var(--ff-${name})`;
    return getComputedStyle(probe).color;
  };
  const colors: Colors = {
    total: of('total'),
    known: of('known'),
    anonymous: of('anonymous'),
    new: of('new'),
    returning: of('returning'),
    before: of('before'),
    quiet: of('quiet'),
    line: of('line'),
    surface: of('surface'),
    ink: of('ink'),
  };
  probe.remove();
  return colors;
}

/** @param color `rgb(r, g, b)` */
export const faded = (color: string, alpha: number): string =>
  color.replace(/^rgb\((.*)\)$/, (_, channels: string) => `rgba(${channels}, ${alpha})`);
