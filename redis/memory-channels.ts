/** Publish and subscribe within this process. A listener that throws is reported and hurts no other. */

export class MemoryChannels {
  readonly #channels = new Map<string, Set<{ listener: (message: string) => void }>>();
  readonly #onError: (error: Error) => void;

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  publish(channel: string, message: string): void {
    for (const { listener } of [...(this.#channels.get(channel) ?? [])]) {
      try {
        listener(message);
      } catch (cause) {
        this.#onError(new Error(`a listener of ${channel} threw`, { cause }));
      }
    }
  }

  /** Answers a function that ends the subscription. */
  subscribe(channel: string, listener: (message: string) => void): () => void {
    const subscription = { listener };
    const subscriptions = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, subscriptions.add(subscription));
    return () => {
      subscriptions.delete(subscription);
      if (subscriptions.size === 0 && this.#channels.get(channel) === subscriptions)
        this.#channels.delete(channel);
    };
  }

  close(): void {
    this.#channels.clear();
  }
}
