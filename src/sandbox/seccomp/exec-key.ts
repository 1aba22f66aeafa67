import { randomBytes } from "node:crypto";
import type { ExecKey } from "./bpf.ts";

/** A key that lets its holder start one program, as the filter compares it and as the bootstrap is told it. */
export interface NewExecKey {
  readonly words: ExecKey;
  /** Two hexadecimal numbers of 64 bits: the arguments after the three of `execve`. */
  readonly text: readonly [string, string];
}

/** A key of 128 random bits, for one start. */
export function newExecKey(): NewExecKey {
  const bytes = randomBytes(16);
  const word = (at: number) => bytes.readUInt32LE(at);
  const number = (at: number) => bytes.readBigUInt64LE(at).toString(16);
  return { words: [word(0), word(4), word(8), word(12)], text: [number(0), number(8)] };
}
