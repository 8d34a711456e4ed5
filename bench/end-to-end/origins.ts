/** The source that a function of a bundle comes from, relative to the project. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Origin {
  /** Of a file of the project or a package, `node:...`, or in brackets what is no function of JavaScript. */
  path: string;
  /** From 1. */
  line: number | undefined;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Lines and columns are counted from 0, as profiles do. */
export function originFinder() {
  const maps = new Map<string, SourceMap | undefined>();

  function mapOf(file: string): SourceMap | undefined {
    if (!maps.has(file)) {
      const name = `${file}.map`;
      maps.set(file, existsSync(name) ? new SourceMap(JSON.parse(readFileSync(name, 'utf8'))) : undefined);
    }
    return maps.get(file);
  }

  return (frame: { functionName: string; url: string; lineNumber: number; columnNumber: number }): Origin => {
    const { functionName, url, lineNumber, columnNumber } = frame;
    if (url === '')
      return { path: functionName.startsWith('(') ? functionName : '(native)', line: undefined };
    if (url.startsWith('node:')) return { path: url, line: lineNumber + 1 };
    const file = url.startsWith('file:') ? fileURLToPath(url) : url;
    const entry = mapOf(file)?.findEntry(lineNumber, columnNumber);
    if (entry !== undefined && 'originalSource' in entry) {
      const source = new URL(entry.originalSource, `file://${file}`);
      return { path: relative(ROOT, fileURLToPath(source)), line: entry.originalLine + 1 };
    }
    return { path: relative(ROOT, file), line: lineNumber + 1 };
  };
}
