/** Finds texts that are SQL and have something put into them, in the source of a module. */
import { parseAst } from 'vite';

/** Stands where something is put in. */
const HOLE = '\u00a7';

const SQL = [
  /\bselect\b[\s\S]*\bfrom\b/i,
  /\b(insert|replace)\s+into\b/i,
  /\bdelete\s+from\b/i,
  /\bupdate\s+\S+\s+set\b/i,
  /\b(create|drop|alter|truncate|optimize|rename|attach|detach|grant|revoke)\s+(table|database|role|user|index|view|materialized|schema|sequence|type|partition|temporary|or)\b/i,
  /\b(exchange|rename)\s+tables?\b/i,
  /\bgrant\s+\S+\s+to\b/i,
  /\bwhere\s+\S+\s*(=|<|>|in\b|like\b|between\b)/i,
  /\b(SELECT|WHERE|HAVING|VALUES|SETTINGS|PARTITION|JOIN|UNION|GROUP BY|ORDER BY|ON CLUSTER|MODIFY|KILL|SYSTEM|LIMIT)\b/,
  new RegExp(`\\bfootfall\\.${HOLE}`),
  // A value in quotes of its own: part of a condition.
  new RegExp(`[\\w)]\\s*(=|<|>|,|\\()\\s*'${HOLE}`),
];

interface SqlHole {
  /** What is put in, as it stands there. */
  expression: string;
  text: string;
}

/** Whatever is put into SQL by a template or by `+`. */
export function sqlHoles(source: string): SqlHole[] {
  const holes: SqlHole[] = [];
  visit(parseAst(source, { lang: 'ts' }));
  return holes;

  function visit(node: unknown): void {
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    if (!isNode(node)) return;
    const parts = partsOf(node);
    if (parts === undefined) {
      for (const child of Object.values(node)) visit(child);
      return;
    }
    const text = parts.map((part) => (typeof part === 'string' ? part : HOLE)).join('');
    const isSql = SQL.some((form) => form.test(text));
    for (const part of parts) {
      if (typeof part === 'string') continue;
      const { start, end } = part;
      if (isSql) holes.push({ expression: source.slice(start, end).replace(/\s+/g, ' '), text });
      visit(part);
    }
  }
}

interface Node {
  type: string;
  start: number;
  end: number;
}

function isNode(value: unknown): value is Node & Record<string, unknown> {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The texts and the expressions between them, in order; undefined for what puts none together. */
function partsOf(node: Node & Record<string, unknown>): (string | Node)[] | undefined {
  if (node.type === 'TemplateLiteral') {
    const { quasis, expressions } = node;
    if (!Array.isArray(quasis) || !Array.isArray(expressions)) return undefined;
    return quasis.flatMap((quasi, n) => [
      String(quasi.value.cooked),
      ...expressions.slice(n, n + 1).flatMap(flat),
    ]);
  }
  if (node.type !== 'BinaryExpression' || node.operator !== '+') return undefined;
  const parts = [node.left, node.right].flatMap(flat);
  return parts.some((part) => typeof part === 'string') ? parts : undefined;
}

function flat(node: unknown): (string | Node)[] {
  if (!isNode(node)) return [];
  if (node.type === 'Literal' && typeof node.value === 'string') return [node.value];
  return partsOf(node) ?? [node];
}
