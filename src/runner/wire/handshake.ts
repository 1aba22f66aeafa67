import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";

/** Who is expected to answer. */
export interface Expected {
  readonly id: string;
  readonly name?: string;
  readonly version: string;
}

/** What a handshake established. */
export interface Introduction {
  /** Before the names of the methods: the skill answers `handshake`, or `skill.handshake`. */
  readonly prefix: "" | "skill.";
  /** From 2 on `invoke` takes `{ tool, input }`, before that the input itself. */
  readonly protocol: number;
}

/**
 * Checks what a skill answered to the handshake: `{ name, version }`, or the older `{ skill_name, protocol_version }`.
 *
 * @throws {SkillError} `handshake_failed` with what was expected and what came
 */
export function checkHandshake(
  answer: Json,
  expected: Expected,
  prefix: Introduction["prefix"],
): Introduction {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw failed(expected, `${show(answer)} is no object`, answer);
  }
  const { name, skill_name, version, protocol_version } = answer as {
    readonly [key: string]: Json | undefined;
  };
  const said = name ?? skill_name;
  if (said !== expected.id && (said === undefined || said !== expected.name)) {
    throw failed(expected, `its name is ${show(said)}`, answer);
  }
  if (version === undefined ? protocol_version === undefined : version !== expected.version) {
    throw failed(expected, `its version is ${show(version)}`, answer);
  }
  const protocol = Number(protocol_version ?? 1);
  return { prefix, protocol: Number.isFinite(protocol) ? protocol : 1 };
}

function failed(expected: Expected, found: string, answer: Json): SkillError {
  return new SkillError(
    "handshake_failed",
    `the skill "${expected.id}" ${expected.version} answered the handshake wrongly: ${found}`,
    {
      fix: `answer the handshake with {"name": "${expected.id}", "version": "${expected.version}"}`,
      details: { answer: show(answer) },
    },
  );
}

function show(value: Json | undefined): string {
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 300);
}
