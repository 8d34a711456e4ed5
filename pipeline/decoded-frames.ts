/**
 * The frames of the log, decoded once for both who read them: presence comes first, counting some time later.
 *
 * What one of them has asked for is kept until the other asks. When counting is far behind, and more than {@link KEPT_BYTES} would be
 * kept, later frames are decoded twice. What nobody asks for again, since a partition was taken away, goes after {@link FORGOTTEN_MS}.
 */
import type { Frame } from '../kafka/port.ts';
import { type Line, linesOf } from './lines.ts';

/** Of the frames; what they say takes some times as much. */
const KEPT_BYTES = 48 * 1024 * 1024;
const FORGOTTEN_MS = 60_000;

type Reader = 'presence' | 'counting';

interface Kept {
  by: Reader;
  at: number;
  body: Buffer;
  lines: readonly Line[];
}

export class DecodedFrames {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  lines(reader: Reader, partition: number, { offset, body }: Frame): readonly Line[] {
    const key = `${partition} ${offset}`;
    const kept = this.#kept.get(key);
    if (kept?.body.equals(body)) {
      if (kept.by !== reader) this.#forget(key, kept);
      return kept.lines;
    }
    if (kept !== undefined) this.#forget(key, kept);
    const lines = linesOf(body);
    if (this.#bytes >= KEPT_BYTES) this.#forgetOld();
    if (this.#bytes < KEPT_BYTES) {
      this.#bytes += body.length;
      this.#kept.set(key, { by: reader, at: performance.now(), body, lines });
    }
    return lines;
  }

  #forget(key: string, { body }: Kept): void {
    this.#kept.delete(key);
    this.#bytes -= body.length;
  }

  #forgetOld(): void {
    const since = performance.now() - FORGOTTEN_MS;
    for (const [key, kept] of this.#kept) {
      if (kept.at >= since) return;
      this.#forget(key, kept);
    }
  }
}
