/** Runs a task now if it may, later if it ran just before; however often it is asked, once an interval at most. */

export class AtMost {
  readonly #intervalMs: () => number;
  readonly #task: () => void;
  #timer: NodeJS.Timeout | undefined;
  #again = false;
  #running = false;

  /** @param intervalMs until the task may run again; a function is asked when it has run */
  constructor(intervalMs: number | (() => number), task: () => void) {
    this.#intervalMs = typeof intervalMs === 'number' ? () => intervalMs : intervalMs;
    this.#task = task;
  }

  /** The task may request its next run itself. */
  request(): void {
    if (this.#timer === undefined && !this.#running) this.#run();
    else this.#again = true;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }

  #run(): void {
    this.#again = false;
    this.#running = true;
    try {
      this.#task();
    } finally {
      this.#running = false;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        if (this.#again) this.#run();
      }, this.#intervalMs());
    }
  }
}
