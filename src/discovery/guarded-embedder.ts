import type { Embedder } from "./types.ts";
import { normalised } from "./vectors.ts";

const RETRY_AFTER_MS = 30_000;
/** Between chunks a long embedding can be stopped. */
const CHUNK = 64;

/**
 * Stands before an embedder that may be absent, broken or lying: opens it at the first use, checks that the answers
 * have the promised count, length and finite numbers, scales them to length 1, and after a failure says the same
 * reason for half a minute instead of making every search wait.
 */
export class GuardedEmbedder {
  readonly #open: () => Promise<Embedder>;
  readonly #owned: boolean;
  readonly #now: () => number;
  #opened: Promise<Embedder> | undefined;
  #failure: { readonly error: Error; readonly at: number } | undefined;

  /** @param source an embedder of the caller's, or a function that opens one which `close` then closes */
  constructor(source: Embedder | (() => Promise<Embedder>), now: () => number = Date.now) {
    this.#open = typeof source === "function" ? source : () => Promise.resolve(source);
    this.#owned = typeof source === "function";
    this.#now = now;
  }

  /** Whether a call would be tried, not answered with the last failure. */
  get ready(): boolean {
    return this.#failure === undefined || this.#now() - this.#failure.at >= RETRY_AFTER_MS;
  }

  /** Forgets the last failure. */
  reset(): void {
    this.#failure = undefined;
  }

  /** What names the vectors. @throws {Error} when the embedder cannot be opened */
  async identity(): Promise<{ readonly id: string; readonly dimensions: number }> {
    const { id, dimensions } = await this.#guard(() => this.#embedder());
    return { id, dimensions };
  }

  /** Unit vectors, one a text. @throws {Error} when the embedder fails; the signal's reason when aborted */
  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (let at = 0; at < texts.length; at += CHUNK) {
      signal?.throwIfAborted();
      vectors.push(...await this.#guard(() => this.#chunk(texts.slice(at, at + CHUNK))));
    }
    return vectors;
  }

  /** The unit vector of a query. @throws {Error} when the embedder fails */
  async embedQuery(text: string): Promise<Float32Array> {
    return await this.#guard(async () => {
      const embedder = await this.#embedder();
      const [vector] = embedder.embedQuery === undefined
        ? await embedder.embed([text])
        : [await embedder.embedQuery(text)];
      return checked(vector ?? new Float32Array(0), embedder.dimensions);
    });
  }

  async close(): Promise<void> {
    if (!this.#owned || this.#opened === undefined) return;
    const embedder = await this.#opened.catch(() => undefined);
    await embedder?.close?.();
  }

  async #chunk(texts: readonly string[]): Promise<Float32Array[]> {
    const embedder = await this.#embedder();
    const vectors = await embedder.embed(texts);
    if (vectors.length !== texts.length) {
      throw new Error(`it gave ${vectors.length} vectors for ${texts.length} texts`);
    }
    return vectors.map((vector) => checked(vector, embedder.dimensions));
  }

  #embedder(): Promise<Embedder> {
    if (this.#opened !== undefined) return this.#opened;
    const opened = this.#open();
    this.#opened = opened;
    // An opening that failed may succeed later; one that succeeded is kept.
    opened.catch(() => this.#opened = undefined);
    return opened;
  }

  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    if (!this.ready && this.#failure !== undefined) throw this.#failure.error;
    try {
      const result = await act();
      this.#failure = undefined;
      return result;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const error = new Error(`The embedding model could not be used: ${reason}`, { cause });
      this.#failure = { error, at: this.#now() };
      throw error;
    }
  }
}

function checked(vector: Float32Array, dimensions: number): Float32Array {
  if (vector.length !== dimensions) {
    throw new Error(`it gave a vector of ${vector.length} numbers instead of ${dimensions}`);
  }
  if (!vector.every(Number.isFinite)) throw new Error("it gave a vector with a number that is not finite");
  return normalised(vector);
}
