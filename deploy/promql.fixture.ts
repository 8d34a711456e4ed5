/** What a PromQL expression asks for. Good for the expressions of this folder, which `promtool` takes. */

interface Selector {
  metric: string;
  /** Matched in braces. */
  labels: string[];
}

export interface Asked {
  selectors: Selector[];
  /** Of `by`, `without`, `on` and the like. */
  grouped: string[];
}

const TEXT = /"(?:[^"\\]|\\.)*"/g;
const DURATION = /\[[^\]]*\]|\boffset\s+\w+/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const OPERATOR = /^(?:and|or|unless|bool|on|by|without)$/;

export function asked(expression: string): Asked {
  const grouped: string[] = [];
  const plain = expression
    .replace(TEXT, '""')
    .replace(DURATION, '')
    .replace(GROUPING, (_, labels: string) => {
      grouped.push(...wordsOf(labels));
      return '';
    });
  // A name before a parenthesis is a function.
  const names = plain.matchAll(/\b([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\s*\{([^}]*)\})?/g);
  const selectors = [...plain.replace(/\{[^}]*\}/g, '').matchAll(/\b[a-zA-Z_:][\w:]*\b(?!\s*\()/g)]
    .map(([metric]) => metric)
    .filter((metric) => !OPERATOR.test(metric));
  const matched = new Map<string, string[]>();
  for (const [, metric = '', braces] of names) {
    if (braces === undefined) continue;
    const labels = [...braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
    matched.set(metric, [...(matched.get(metric) ?? []), ...labels]);
  }
  return {
    grouped,
    selectors: [...new Set(selectors)].map((metric) => ({ metric, labels: matched.get(metric) ?? [] })),
  };
}

/** Labels that a legend or a text shows: `{{reason}}`, `{{ $labels.reason }}`. */
export function shownLabels(text: string): string[] {
  const shown = text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g);
  return [...shown].map(([, label = '']) => label);
}

function wordsOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
