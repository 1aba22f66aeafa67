import { createReadStream } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire, registerHooks } from "node:module";
import { basename, dirname, join } from "node:path";
import { pipeline as stream } from "node:stream/promises";
import type { FeatureExtractionPipeline } from "@xenova/transformers";
import { SkillError } from "../base/errors.ts";
import type { Embedder } from "./types.ts";

const MODEL_PACKAGE = "@skillwright/all-minilm-l6-v2";
const LIBRARY = "@xenova/transformers";
const DIMENSIONS = 384;
/** sentence-transformers cuts here; the tokenizer's own file says 512 and would give other vectors for long texts. */
const MAX_TOKENS = 256;
/** Larger batches gain nothing on few cores and lose on long texts. */
const BATCH = 8;

/** Stands in for `sharp`; the library asks that it be a function. */
const NO_IMAGES =
  "data:text/javascript,export default function sharp() { throw new Error('no image library') }";

/** Options of `openMiniLmEmbedder`. */
export interface MiniLmOptions {
  /** Folder of the model, with `onnx/model_quantized.onnx` in it. Default: the installed model package. */
  readonly modelDir?: string;
}

/**
 * The shipped all-MiniLM-L6-v2 through transformers.js, never asking the network. Opening finds the model and hashes
 * its weights (the hash is part of `id`); the library and the model are loaded by the first `embed`.
 *
 * @throws {SkillError} `not_found` when there is no such model
 */
export async function openMiniLmEmbedder(options: MiniLmOptions = {}): Promise<Embedder> {
  const folder = options.modelDir ?? installedModel();
  const digest = await digestOf(join(folder, "onnx", "model_quantized.onnx"));
  return new MiniLmEmbedder(folder, `all-MiniLM-L6-v2/${digest.slice(0, 16)}/mean/${MAX_TOKENS}`);
}

class MiniLmEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number = DIMENSIONS;
  readonly #folder: string;
  #pipe: Promise<FeatureExtractionPipeline> | undefined;

  constructor(folder: string, id: string) {
    this.#folder = folder;
    this.id = id;
  }

  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    this.#pipe ??= loadPipeline(this.#folder);
    const pipe = await this.#pipe;
    const vectors: Float32Array[] = Array.from({ length: texts.length });
    // Texts of like length share a batch, because each is padded to the longest.
    const order = texts.map((_, at) => at).sort((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0));
    for (let at = 0; at < order.length; at += BATCH) {
      const batch = order.slice(at, at + BATCH);
      const output = await pipe(batch.map((index) => texts[index] ?? ""), {
        pooling: "mean",
        normalize: true,
      });
      const numbers = output.data as Float32Array;
      batch.forEach((index, row) => vectors[index] = numbers.slice(row * DIMENSIONS, (row + 1) * DIMENSIONS));
    }
    return vectors;
  }

  async close(): Promise<void> {
    const pipe = await this.#pipe?.catch(() => undefined);
    this.#pipe = undefined;
    await pipe?.dispose();
  }
}

async function loadPipeline(folder: string): Promise<FeatureExtractionPipeline> {
  const { env, pipeline } = await importLibrary();
  const { localModelPath, allowLocalModels, allowRemoteModels, useBrowserCache, useFSCache, useCustomCache } =
    env;
  // The library reads its settings while it loads; whoever else uses it in this process gets them back afterwards.
  Object.assign(env, {
    localModelPath: dirname(folder),
    allowLocalModels: true,
    allowRemoteModels: false,
    useBrowserCache: false,
    useFSCache: false,
    useCustomCache: false,
  });
  try {
    const pipe = await pipeline("feature-extraction", basename(folder), {
      quantized: true,
      local_files_only: true,
    });
    pipe.tokenizer.model_max_length = MAX_TOKENS;
    return pipe;
  } finally {
    Object.assign(env, {
      localModelPath,
      allowLocalModels,
      allowRemoteModels,
      useBrowserCache,
      useFSCache,
      useCustomCache,
    });
  }
}

/**
 * transformers.js imports `sharp` for images, which texts never need. Where its native part wasn't built the import
 * would throw, and a failed import can't be tried again: so it is tried alone first, and replaced if it fails.
 */
async function importLibrary(): Promise<typeof import("@xenova/transformers")> {
  if (sharpLoads()) return await import("@xenova/transformers");
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "sharp" && context.parentURL?.includes(LIBRARY) === true
        ? { url: NO_IMAGES, format: "module", shortCircuit: true }
        : next(specifier, context),
  });
  try {
    return await import("@xenova/transformers");
  } catch (error) {
    throw notInstalled(error);
  } finally {
    hooks.deregister();
  }
}

/** npm leaves an optional package out, without a word, when a package of that one's cannot be downloaded. */
function notInstalled(cause: unknown): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(`'${LIBRARY}'`)) return cause;
  return new SkillError("not_found", `"${LIBRARY}" is not installed`, {
    cause,
    fix: `add "overrides": { "sharp": "^0.34" } to your package.json, then: npm install ${LIBRARY}`,
  });
}

function sharpLoads(): boolean {
  try {
    createRequire(createRequire(import.meta.url).resolve(LIBRARY))("sharp");
    return true;
  } catch {
    return false;
  }
}

function installedModel(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${MODEL_PACKAGE}/package.json`));
  } catch (cause) {
    throw new SkillError("not_found", `The model package "${MODEL_PACKAGE}" is not installed`, {
      cause,
      fix: `install ${MODEL_PACKAGE}, or give another embedder`,
    });
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await stream(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  } catch (cause) {
    throw new SkillError("not_found", `The model file "${file}" cannot be read`, {
      cause,
      fix: "install the model package again, or give the folder of a model",
    });
  }
  return hash.digest("hex");
}
