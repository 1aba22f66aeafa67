import { Buffer } from "node:buffer";
import { constants, lstatSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, URL } from "node:url";

/** A path as the functions of `node:fs` take it, made absolute. */
export function pathOf(given: unknown): string {
  if (given instanceof URL) return fileURLToPath(given);
  return resolve(Buffer.isBuffer(given) ? given.toString() : String(given));
}

/** What opening a file like this does to the disk. */
export function effectOfOpening(path: string, flags: unknown): "create" | "truncate" | undefined {
  const { creates, truncates } = meaning(flags ?? "r");
  const there = exists(path);
  if (!there) return creates ? "create" : undefined;
  return truncates ? "truncate" : undefined;
}

/** Whether something, a broken link too, is there. */
export function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** What is written, as bytes; undefined when it can't be known before. */
export function bytesOf(data: unknown, encoding: unknown): Uint8Array | undefined {
  if (typeof data === "string") {
    return Buffer.from(data, typeof encoding === "string" ? encoding as NodeJS.BufferEncoding : "utf8");
  }
  if (data instanceof Uint8Array) return data;
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : undefined;
}

/** Two parts, between which a process can die. */
export function halves(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length < 2) return [bytes];
  const middle = bytes.length >> 1;
  return [bytes.subarray(0, middle), bytes.subarray(middle)];
}

/** One option of those that come as an object or as a bare encoding. */
export function option(options: unknown, name: string): unknown {
  if (typeof options === "string") return name === "encoding" ? options : undefined;
  return (options as Record<string, unknown> | null | undefined)?.[name];
}

/** Permission bits, however they were given. */
export function modeOf(given: unknown, otherwise: number): number {
  if (typeof given === "string") return Number.parseInt(given, 8);
  return typeof given === "number" ? given : otherwise;
}

function meaning(flags: unknown): { readonly creates: boolean; readonly truncates: boolean } {
  if (typeof flags === "number") {
    return { creates: (flags & constants.O_CREAT) !== 0, truncates: (flags & constants.O_TRUNC) !== 0 };
  }
  const text = String(flags);
  return { creates: /^[wa]/.test(text), truncates: text.startsWith("w") };
}
