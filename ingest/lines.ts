/** Lines of a file as they come, each bounded: one that is too long is passed over, not held. */

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Undefined: it was longer than `maxBytes`. */
export type Line = string | undefined;

/** The lines that end in each chunk, without their ends: `\n`, or `\r\n`. The last one of a file may have none. */
export async function* boundedLines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  /** Of the line that has not ended yet. */
  let begun: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    bytes += part.length;
    // With room for a carriage return, which is not part of the line.
    if (bytes > maxBytes + 1) begun = [];
    else if (part.length > 0) begun.push(part);
  };
  const end = (): Line => {
    const line = bytes > maxBytes + 1 ? undefined : textOf(Buffer.concat(begun), maxBytes);
    begun = [];
    bytes = 0;
    return line;
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let to = chunk.indexOf(LINE_FEED); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
      take(chunk.subarray(from, to));
      lines.push(end());
      from = to + 1;
    }
    // A copy: what is begun must not keep all of the chunk.
    take(Buffer.from(chunk.subarray(from)));
    yield lines;
  }
  if (bytes > 0) yield [end()];
}

function textOf(line: Buffer, maxBytes: number): Line {
  const bytes = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  return bytes.length > maxBytes ? undefined : bytes.toString('utf8');
}
