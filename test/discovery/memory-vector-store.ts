import { Document, type DocumentInterface } from "@langchain/core/documents";
import { FakeEmbeddings } from "@langchain/core/utils/testing";
import { VectorStore } from "@langchain/core/vectorstores";

interface Row {
  readonly id: string;
  readonly vector: readonly number[];
  readonly document: DocumentInterface;
}

/** A LangChain vector store in memory, as simple as one can be. What it keeps outlives who uses it. */
export class TestVectorStore extends VectorStore {
  declare FilterType: object;
  readonly rows: Map<string, Row> = new Map();
  /** What a store calls a score. */
  score: (cosine: number) => number = (cosine) => cosine;
  canDelete = true;
  failure: Error | undefined;

  constructor() {
    super(new FakeEmbeddings(), {});
  }

  _vectorstoreType(): string {
    return "test";
  }

  async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options?: { ids?: string[] },
  ): Promise<string[]> {
    await this.#work();
    const ids = vectors.map((_, at) => options?.ids?.[at] ?? crypto.randomUUID());
    for (const [at, vector] of vectors.entries()) {
      const id = ids[at] ?? "", document = documents[at] ?? new Document({ pageContent: "" });
      this.rows.set(id, { id, vector, document });
    }
    return ids;
  }

  async addDocuments(): Promise<never> {
    await this.#work();
    throw new Error("this store's own embeddings were asked");
  }

  override async delete(params?: { ids?: string[] }): Promise<void> {
    await this.#work();
    if (!this.canDelete) throw new Error("Not implemented.");
    for (const id of params?.ids ?? []) this.rows.delete(id);
  }

  async similaritySearchVectorWithScore(query: number[], k: number): Promise<[DocumentInterface, number][]> {
    await this.#work();
    const scored = [...this.rows.values()].map(({ vector, document }): [DocumentInterface, number] => [
      document,
      vector.reduce((sum, value, at) => sum + value * (query[at] ?? 0), 0),
    ]);
    return scored.sort((a, b) => b[1] - a[1]).slice(0, k).map(([document, cosine]) => [
      document,
      this.score(cosine),
    ]);
  }

  async #work(): Promise<void> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
  }
}
