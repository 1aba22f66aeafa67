import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { IndexItem, LocalIndex } from "vectra";
import { sha256 } from "../base/digest.ts";
import { StagedFileStorage } from "./staged-file-storage.ts";
import { vectraCodec } from "./vectra-codec.ts";
import type { StoredVector, VectorSpace, VectorStore } from "./vector-store.ts";

const INDEX_NAME = `index${vectraCodec.extension}`;
const MAX_INDEX_BYTES = 2 ** 30;

interface Known {
  readonly stamp: string;
  readonly space: string;
  readonly vectors: ReadonlyMap<string, Float32Array>;
}

/**
 * A vectra `LocalIndex` on disk. Each item carries a checksum over the model's name, its own id and its vector, so
 * a flipped bit costs one vector and another model costs all, and neither is ever searched. Reading doesn't import
 * vectra, which takes as long as loading the model.
 */
export class VectraStore implements VectorStore {
  readonly #folder: string;
  readonly #log: (message: string) => void;
  /** What was last read or written, and the state of the file it came from. */
  #known: Known | undefined;

  constructor(folder: string, log: (message: string) => void = () => {}) {
    this.#folder = resolve(folder);
    this.#log = log;
  }

  async read(space: VectorSpace): Promise<ReadonlyMap<string, Float32Array>> {
    const stamp = await this.#stamp();
    if (this.#known?.stamp !== stamp || this.#known.space !== space.id) {
      this.#known = { stamp, space: space.id, vectors: stamp === "" ? new Map() : await this.#load(space) };
    }
    return this.#known.vectors;
  }

  async write(
    space: VectorSpace,
    vectors: ReadonlyMap<string, StoredVector>,
    options: { readonly anew?: boolean } = {},
  ): Promise<void> {
    const intact = options.anew === true ? new Map<string, Float32Array>() : await this.read(space);
    const storage = new StagedFileStorage();
    await storage.createFolder(this.#folder);
    const index = await this.#open(storage, intact.size === 0);
    await index.beginUpdate();
    const present = (await index.listItems()).map(({ id }) => id);
    const kept = new Set(present.filter((id) => vectors.has(id) && intact.has(id)));
    await index.deleteItems(present.filter((id) => !kept.has(id)));
    for (const each of vectors.values()) if (!kept.has(each.id)) await index.insertItem(itemOf(space, each));
    await index.endUpdate();
    await storage.commit();
    const now = new Map([...vectors].map(([id, { vector }]) => [id, vector]));
    this.#known = { stamp: await this.#stamp(), space: space.id, vectors: now };
  }

  /** The index as it is on disk; an empty one where nothing there is of use. */
  async #open(storage: StagedFileStorage, empty: boolean): Promise<LocalIndex> {
    const { LocalIndex } = await import("vectra");
    if (empty) {
      const nothing = vectraCodec.serializeIndex({ version: 1, metadata_config: {}, items: [] });
      await storage.upsertFile(`${this.#folder}/${INDEX_NAME}`, nothing);
    }
    return new LocalIndex(this.#folder, INDEX_NAME, storage, vectraCodec);
  }

  async #load(space: VectorSpace): Promise<ReadonlyMap<string, Float32Array>> {
    const vectors = new Map<string, Float32Array>();
    try {
      const { items } = vectraCodec.deserializeIndex(await readFile(join(this.#folder, INDEX_NAME)));
      for (const item of items) {
        const vector = intactVector(space, item);
        if (vector !== undefined) vectors.set(item.id, vector);
      }
      const lost = items.length - vectors.size;
      if (lost > 0) {
        this.#log(`${lost} of ${items.length} vectors are damaged or of another model and are made again`);
      }
    } catch (error) {
      this.#log(`The vector index cannot be read and is made again: ${(error as Error).message}`);
    }
    return vectors;
  }

  /** Changes whenever the file is replaced; empty when there is no usable file. */
  async #stamp(): Promise<string> {
    const found = await stat(join(this.#folder, INDEX_NAME), { bigint: true }).catch(() => undefined);
    if (found === undefined || !found.isFile() || found.size > MAX_INDEX_BYTES) return "";
    return `${found.ino}:${found.mtimeNs}:${found.size}`;
  }
}

function itemOf(space: VectorSpace, { id, document, kind, vector }: StoredVector): IndexItem {
  const checksum = checksumOf(space, id, vector);
  // vectra declares lists of numbers; it only counts, multiplies and hands on, which a Float32Array serves as well.
  return { id, metadata: { document, kind, checksum }, vector: vector as unknown as number[], norm: 1 };
}

function intactVector(space: VectorSpace, item: IndexItem): Float32Array | undefined {
  const vector = new Float32Array(item.vector);
  if (vector.length !== space.dimensions) return undefined;
  return item.metadata["checksum"] === checksumOf(space, item.id, vector) ? vector : undefined;
}

function checksumOf(space: VectorSpace, id: string, vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return sha256(`${space.id}\n${id}\n${sha256(bytes)}`).slice(0, 32);
}
