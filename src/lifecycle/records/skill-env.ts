import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import type { Statements } from "../../observe/sqlite.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import { parseStored } from "../storage/stored-json.ts";
import { touchSkill } from "./records.ts";

/** The environment, without secrets, that a skill's setup left for its runs and tests. */
export type SkillEnv = Readonly<Record<string, string>>;

const MOST = { names: 64, bytes: 4096 } as const;

/** What would change how the interpreter or its libraries are loaded. */
const RESERVED = /^(PYTHON|LD_|DYLD_|SKILLWRIGHT_)|^(PATH|HOME|TMPDIR|IFS|ENV|BASH_ENV)$/;

const answer = z.object({ env: z.record(z.string(), z.string()).optional() });

/** Reads what is kept. */
export function readSkillEnv(sql: Statements, id: string): SkillEnv {
  const row = sql.get("select env from skill_env where skill_id = ?", id);
  return row === undefined ? {} : parseStored(row["env"], `the environment of "${id}"`) as SkillEnv;
}

/** Keeps an environment in place of the one before. */
export function storeSkillEnv(tx: HomeTransaction, id: string, env: SkillEnv): void {
  tx.sql.run(
    "insert into skill_env values (?1, ?2) on conflict (skill_id) do update set env = ?2",
    id,
    canonicalJson(env),
  );
  touchSkill(tx, id, "other");
}

/**
 * The `env` of what a setup tool answered; undefined when it gave none.
 *
 * @throws {SkillError} `invalid_output` for what is no environment, is too large, or would change the interpreter
 */
export function envOfAnswer(id: string, value: Json): SkillEnv | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const parsed = answer.safeParse(value);
  if (!parsed.success) throw wrong(id, "its values are not all text");
  const { env } = parsed.data;
  if (env === undefined) return undefined;
  const names = Object.keys(env);
  if (names.length > MOST.names) throw wrong(id, `it has ${names.length} names, the limit is ${MOST.names}`);
  for (const [name, text] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) throw wrong(id, `"${name.slice(0, 128)}" is no name`);
    if (RESERVED.test(name)) throw wrong(id, `"${name}" is not for skills to set`);
    if (text.length > MOST.bytes || text.includes("\0")) throw wrong(id, `"${name}" is too long or not text`);
  }
  return env;
}

function wrong(id: string, reason: string): SkillError {
  return new SkillError("invalid_output", `the setup of "${id}" answered an env that is refused: ${reason}`, {
    fix: 'answer { "env": { "NAME": "text" } }, or nothing',
    details: { id },
  });
}
