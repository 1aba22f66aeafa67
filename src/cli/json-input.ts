import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { SkillError } from "../base/errors.ts";
import { type Json, parseJson } from "../base/json.ts";

/**
 * Reads JSON as the command line gives it: the text itself, `@file`, or `-` for standard input.
 *
 * @throws {SkillError} `invalid_input`
 */
export async function readJsonInput(given: string, stdin: Readable): Promise<Json> {
  if (given === "-") return parseJson(await readAll(stdin), "standard input");
  if (!given.startsWith("@")) return parseJson(given, "the input");
  const path = given.slice(1);
  try {
    return parseJson(await readFile(path), `"${path}"`);
  } catch (error) {
    throw SkillError.from(error, "invalid_input", `the input file "${path}" cannot be read`);
  }
}

/** All bytes of a stream. */
export async function readAll(stream: Readable): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part as Uint8Array);
  const all = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.byteLength), 0);
  return all;
}
