/**
 * The bytes of the frame that a partition has open. Text is written as it comes: strings that waited for their frame to close
 * would be moved by the garbage collector meanwhile, which costs more than all else that is done with them.
 */
export class FrameBody {
  #buffer: Buffer;
  #used = 0;

  /** @param bytes there is room for; it grows for a text that alone needs more */
  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get bytes(): number {
    return this.#used;
  }

  hasRoomFor(text: string): boolean {
    const room = this.#buffer.length - this.#used;
    // A character has at most three bytes, and to count them takes as long as to write them.
    return text.length * 3 <= room || Buffer.byteLength(text) <= room;
  }

  /** @returns how many bytes the text has */
  write(text: string): number {
    if (!this.hasRoomFor(text)) {
      const grown = Buffer.allocUnsafeSlow(this.#used + Buffer.byteLength(text));
      this.#buffer.copy(grown, 0, 0, this.#used);
      this.#buffer = grown;
    }
    const written = this.#buffer.write(text, this.#used);
    this.#used += written;
    return written;
  }

  /** What was written since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
    return taken;
  }
}
