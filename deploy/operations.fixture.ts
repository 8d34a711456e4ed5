/** docs/operations.md as tests read it: the table of metrics, and where a link can lead. */
import { readHere } from './compose.fixture.ts';

export interface DocumentedMetric {
  type: string;
  labels: string[];
  meaning: string;
}

/** By name, in the order of the table. */
export function documentedMetrics(): Map<string, DocumentedMetric> {
  const rows = section('Metrics').matchAll(/^\| (`footfall_.*?) \| (\w+) \| ?(.*?) ?\| (.*) \|$/gm);
  const found = new Map<string, DocumentedMetric>();
  for (const [, names = '', type = '', labels = '', meaning = ''] of rows) {
    for (const name of inCode(names)) found.set(name, { type, labels: inCode(labels), meaning });
  }
  return found;
}

/** As GitHub makes them of headings. */
export function anchors(): string[] {
  return [...readHere('docs/operations.md').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Of the level below. */
export function headingsOf(heading: string): string[] {
  return [...section(heading).matchAll(/^### (.*)$/gm)].map(([, found = '']) => found);
}

/** From its heading to the next of its level. */
function section(heading: string): string {
  const text = readHere('docs/operations.md');
  const [, body] = new RegExp(`^## ${heading}\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(text) ?? [];
  if (body === undefined) throw new Error(`docs/operations.md has no section ${heading}`);
  return body;
}

function inCode(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}
