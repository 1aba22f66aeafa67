/** A vector as it is stored. */
export interface StoredVector {
  /** Names what the vector stands for: equal ids, equal vectors. */
  readonly id: string;
  readonly document: string;
  readonly kind: string;
  readonly vector: Float32Array;
}

/** Which model made the vectors: those of another are not read. */
export interface VectorSpace {
  readonly id: string;
  readonly dimensions: number;
}

/** Where vectors last. An implementation gives back only what it can vouch for; what is missing is made again. */
export interface VectorStore {
  /** All intact vectors of that space by their ids. A damaged or missing store is an empty one, never an error. */
  read(space: VectorSpace): Promise<ReadonlyMap<string, Float32Array>>;
  /**
   * Makes the store hold these vectors. What it holds already is kept, unless `anew`; others may stay where taking
   * them out would cost more than their room. When it throws, nothing that was there is lost.
   */
  write(
    space: VectorSpace,
    vectors: ReadonlyMap<string, StoredVector>,
    options?: { readonly anew?: boolean },
  ): Promise<void>;
}
