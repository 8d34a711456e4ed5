/** Runs a task now if it may, later if it ran just before; however often it is asked, once an interval at most. */

export class AtMost {
  readonly #intervalMs: number;
  readonly #task: () => void;
  #timer: NodeJS.Timeout | undefined;
  #again = false;

  constructor(intervalMs: number, task: () => void) {
    this.#intervalMs = intervalMs;
    this.#task = task;
  }

  request(): void {
    if (this.#timer === undefined) this.#run();
    else this.#again = true;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }

  #run(): void {
    this.#again = false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#again) this.#run();
    }, this.#intervalMs);
    this.#task();
  }
}
