/** A request that is under way. */
interface OpenRequest {
  /** Ends when this request is cancelled, or all work is. */
  readonly signal: AbortSignal;
  /** From now on it can no longer be cancelled. */
  readonly end: () => void;
}

/** What is under way, by the ids that a program gave: the number 1 and the text "1" are two. */
export class OpenRequests {
  readonly #open = new Map<string | number, Set<AbortController>>();

  /** @param all ends every request */
  begin(id: string | number, all: AbortSignal | undefined): OpenRequest {
    const own = new AbortController();
    const same = this.#open.get(id) ?? new Set();
    this.#open.set(id, same.add(own));
    const passOn = (): void => own.abort(all?.reason);
    all?.addEventListener("abort", passOn, { once: true });
    if (all?.aborted === true) passOn();
    return {
      signal: own.signal,
      end: () => {
        all?.removeEventListener("abort", passOn);
        same.delete(own);
        if (same.size === 0) this.#open.delete(id);
      },
    };
  }

  /** Tells the requests of this id to end, and whether there are any: more than one only if the program gave it twice. */
  cancel(id: string | number): boolean {
    const same = this.#open.get(id);
    for (const one of same ?? []) one.abort();
    return same !== undefined;
  }
}
