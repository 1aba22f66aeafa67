import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import type { SkillSource } from "../types.ts";
import { oneLine } from "./script-package.ts";

const name = z.string().min(1).max(500);

/** A source as callers give it. */
export const skillSource: z.ZodType<SkillSource> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("script"), name, text: z.string().min(1).max(256 * 1024) }),
  z.object({ kind: z.literal("openapi"), name, text: z.string().min(1).max(2 << 20) }),
  z.object({
    kind: z.literal("package"),
    files: z.record(z.string(), z.string()),
    note: z.string().max(8_000),
  }),
]);

/** Checks what a caller wants to start from. @throws {SkillError} `invalid_input` */
export function readSource(given: unknown): SkillSource | null {
  if (given === null) return null;
  const parsed = skillSource.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new SkillError("invalid_input", `what to start from does not fit: ${z.prettifyError(parsed.error)}`, {
    fix: 'give { kind: "script", name, text } or { kind: "openapi", name, text }',
  });
}

/** What a source says that it is for, when nobody says more. */
export function intentOf(source: SkillSource): string {
  switch (source.kind) {
    case "package":
      return "";
    case "script": {
      const [, doc = ""] = /^\s*(?:#.*\n\s*)*(?:"""|''')([\s\S]*?)(?:"""|''')/.exec(source.text) ?? [];
      return oneLine(doc.split(/\n\s*\n/)[0] ?? "", 500) || `do what ${source.name} does`;
    }
    case "openapi":
      return `call the API that ${source.name} describes`;
    default:
      return source satisfies never;
  }
}
