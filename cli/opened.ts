interface Closable {
  close(): Promise<void>;
}

/** What a service has opened, to be closed last first: at its drain, or when its start fails on the way. */
export class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  /** Also what is still being opened when something beside it fails. */
  add<T extends Closable>(opening: T | Promise<T>): Promise<T> {
    const settled = Promise.allSettled([opening]);
    this.#closers.unshift(async () => {
      const [outcome] = await settled;
      if (outcome.status === 'fulfilled') await outcome.value.close();
    });
    return Promise.resolve(opening);
  }

  /** Closes the rest also where one cannot be closed. @throws what the first of those threw */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers) await close().catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}
