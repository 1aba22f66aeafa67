import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
import type { FaultOrders, RecordedOperation } from "./gate.ts";

/** Node that runs programs with faults, whichever runtime runs the tests. */
export const FAULTY_NODE: string = fileURLToPath(
  new URL("../../../node_modules/node/bin/node", import.meta.url),
);

/** Arguments of Node before those of the program. */
export const FAULTS: readonly string[] = [
  "--conditions=@skillwright/source",
  "--import",
  new URL("preload.ts", import.meta.url).href,
];

/** What the program must have in its environment besides. */
export function faultEnvironment(orders: FaultOrders): Record<string, string> {
  return { SKILLWRIGHT_FAULTS: JSON.stringify(orders) };
}

/** The operations in a record, in their order. */
export function readRecord(path: string): readonly RecordedOperation[] {
  const lines = readFileSync(path, "utf8").split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line, revive) as RecordedOperation);
}

function revive(_key: string, value: unknown): unknown {
  const base64 = (value as { readonly base64?: unknown } | null)?.base64;
  return typeof base64 === "string" ? new Uint8Array(Buffer.from(base64, "base64")) : value;
}
