import { Buffer } from "node:buffer";
import { sha256 } from "../../src/base/digest.ts";
import type { StoredVector } from "../../src/discovery/vector-store.ts";
import { normalised } from "../../src/discovery/vectors.ts";

/** A vector of four numbers that follows from its id, so that any process can say whether it is right. */
export function storedVector(id: string): StoredVector {
  const bytes = Buffer.from(sha256(id).slice(0, 8), "hex");
  return { id, document: `of ${id}`, kind: "document", vector: normalised(bytes.map((byte) => byte + 1)) };
}
