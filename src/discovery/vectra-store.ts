import { randomUUID } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readSegment, type Segment, segmentStamp, writeSegment } from "./vector-segment.ts";
import type { StoredVector, VectorSpace, VectorStore } from "./vector-store.ts";
import { vectraCodec } from "./vectra-codec.ts";

/** vectra rewrites a whole file for one change and looks through it for each item that it adds: so files stay small. */
const FULL = 1_024;
const SEGMENT_NAME = new RegExp(`^index(?:-[0-9a-f-]+)?\\${vectraCodec.extension}$`);
const UNFINISHED = new RegExp(`^\\.index.*\\${vectraCodec.extension}\\.[0-9a-f-]+\\.tmp$`);
const SURELY_DEAD_MS = 3_600_000;
const MAX_LISTINGS = 20;

/**
 * vectra indexes in a folder, each of at most 1,024 vectors: one change writes one of them. Files are never changed,
 * only replaced by others with new names before the old ones go. So readers in other processes always find every
 * vector, and of two writers none loses what the other wrote. Each item carries a checksum over the model's name, its
 * own id and its vector: a flipped bit costs one vector and another model costs all, and neither is ever searched.
 * Reading doesn't import vectra, which takes as long as loading the model.
 */
export class VectraStore implements VectorStore {
  readonly #folder: string;
  readonly #log: (message: string) => void;
  /** What was last read or written. */
  #segments: ReadonlyMap<string, Segment> = new Map();
  #known: ReadonlyMap<string, Float32Array> = new Map();

  constructor(folder: string, log: (message: string) => void = () => {}) {
    this.#folder = resolve(folder);
    this.#log = log;
  }

  async read(space: VectorSpace): Promise<ReadonlyMap<string, Float32Array>> {
    const seen: Segment[] = [];
    for (let listing = 0; listing < MAX_LISTINGS; listing++) {
      const names = await this.#names();
      const found = await this.#found(names, space, seen);
      // A listing made while files came and went may miss both the old file and the new one.
      if (found === undefined || String(await this.#names()) !== String(names)) continue;
      if (!sameSegments(found, this.#segments)) this.#hold(found);
      return this.#known;
    }
    // Others write all the time. What was read is right, whichever file it stands in now.
    return vectorsOf(seen);
  }

  async write(
    space: VectorSpace,
    vectors: ReadonlyMap<string, StoredVector>,
    { anew = false }: { readonly anew?: boolean } = {},
  ): Promise<void> {
    await this.read(space);
    const { kept, replaced, placed } = this.#sorted(vectors, anew);
    const homeless = [...vectors.values()].filter(({ id }) => !placed.has(id));
    if (homeless.length === 0 && replaced.length === 0) return;
    for (let at = 0; at < homeless.length; at += FULL) {
      const name = `index-${randomUUID()}${vectraCodec.extension}`;
      const segment = await writeSegment(this.#folder, name, space, homeless.slice(at, at + FULL));
      kept.set(name, segment);
    }
    for (const { name } of replaced) await rm(join(this.#folder, name), { recursive: true, force: true });
    this.#hold(kept);
    await this.#sweep();
  }

  /**
   * Which segments stay as they are, with the ids placed there. Replaced is what is damaged, what is half stale, and
   * what isn't full when something has to be written anyway.
   */
  #sorted(vectors: ReadonlyMap<string, StoredVector>, anew: boolean): {
    kept: Map<string, Segment>;
    replaced: Segment[];
    placed: ReadonlySet<string>;
  } {
    const kept = new Map<string, Segment>();
    const replaced: Segment[] = [];
    const placed = new Set<string>();
    const partial: { segment: Segment; ids: string[] }[] = [];
    // The fullest first: of two copies the one in the smaller file goes.
    for (const segment of [...this.#segments.values()].sort((a, b) => b.vectors.size - a.vectors.size)) {
      const ids = [...segment.vectors.keys()].filter((id) => vectors.has(id) && !placed.has(id));
      const intact = !anew && segment.broken === undefined && segment.lost === 0;
      if (!intact || ids.length * 2 < segment.vectors.size || ids.length === 0) replaced.push(segment);
      else if (segment.vectors.size < FULL) partial.push({ segment, ids });
      else kept.set(segment.name, segment);
      if (!replaced.includes(segment)) { for (const id of ids) placed.add(id); }
    }
    const settled = replaced.length === 0 && placed.size === vectors.size && partial.length <= 1 &&
      partial.every(({ segment, ids }) => ids.length === segment.vectors.size);
    for (const { segment, ids } of partial) {
      if (settled) kept.set(segment.name, segment);
      else {
        replaced.push(segment);
        for (const id of ids) placed.delete(id);
      }
    }
    return { kept, replaced, placed };
  }

  #hold(segments: ReadonlyMap<string, Segment>): void {
    this.#segments = segments;
    this.#known = vectorsOf(segments.values());
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => SEGMENT_NAME.test(name)).sort();
  }

  /** The segments on disk, those that were read before not read again; undefined when one went meanwhile. */
  async #found(
    names: readonly string[],
    space: VectorSpace,
    seen: Segment[],
  ): Promise<ReadonlyMap<string, Segment> | undefined> {
    const found = new Map<string, Segment>();
    for (const name of names) {
      const stamp = await segmentStamp(this.#folder, name);
      if (stamp === undefined) return undefined;
      const known = this.#segments.get(name);
      const isKnown = known?.stamp === stamp && known.space === space.id;
      const segment = isKnown ? known : await readSegment(this.#folder, name, stamp, space);
      if (segment === undefined) return undefined;
      if (!isKnown) this.#tell(segment);
      seen.push(segment);
      found.set(name, segment);
    }
    return found;
  }

  #tell({ name, vectors, lost, broken }: Segment): void {
    if (broken !== undefined) {
      this.#log(`The vector index "${name}" cannot be read and is made again: ${broken}`);
    } else if (lost > 0) {
      const all = vectors.size + lost;
      this.#log(`${lost} of ${all} vectors are damaged or of another model and are made again`);
    }
  }

  /** Removes what killed writers left. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (!UNFINISHED.test(name)) continue;
      const path = join(this.#folder, name);
      const age = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
      if (age > SURELY_DEAD_MS) await rm(path, { force: true });
    }
  }
}

function vectorsOf(segments: Iterable<Segment>): Map<string, Float32Array> {
  const all = new Map<string, Float32Array>();
  for (const { vectors } of segments) for (const [id, vector] of vectors) all.set(id, vector);
  return all;
}

function sameSegments(some: ReadonlyMap<string, Segment>, others: ReadonlyMap<string, Segment>): boolean {
  return some.size === others.size && [...some].every(([name, segment]) => others.get(name) === segment);
}
