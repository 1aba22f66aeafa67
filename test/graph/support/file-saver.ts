import { Buffer } from "node:buffer";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { MemorySaver } from "@langchain/langgraph";

/** A checkpointer that outlives its process: the one in memory, written to a file with every change. */
export class FileSaver extends MemorySaver {
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
    try {
      const kept = JSON.parse(readFileSync(path, "utf8"), revive) as Pick<MemorySaver, "storage" | "writes">;
      this.storage = kept.storage;
      this.writes = kept.writes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  override async put(...given: Parameters<MemorySaver["put"]>): ReturnType<MemorySaver["put"]> {
    const config = await super.put(...given);
    this.#keep();
    return config;
  }

  override async putWrites(...given: Parameters<MemorySaver["putWrites"]>): Promise<void> {
    await super.putWrites(...given);
    this.#keep();
  }

  #keep(): void {
    const { storage, writes } = this;
    writeFileSync(`${this.#path}.new`, JSON.stringify({ storage, writes }, replace));
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function replace(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("base64") } : value;
}

function revive(_key: string, value: unknown): unknown {
  const { bytes } = (value ?? {}) as { readonly bytes?: unknown };
  return typeof bytes === "string" ? new Uint8Array(Buffer.from(bytes, "base64")) : value;
}
