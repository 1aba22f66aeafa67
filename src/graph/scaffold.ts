import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

/** The maker's name in proposals of a scaffold. */
export const TEMPLATE_MAKER = "template";

const STOP_WORDS = new Set(
  "a an and are as at be by can do for from give i in is it its me my of on one or please skill so that the then this to want with"
    .split(" "),
);

/**
 * A well-formed package to start from, made without any model. It answers the handshake and `invoke`, says of itself
 * that it is a scaffold, and does nothing of what is described: with examples it fails its test.
 */
export function scaffoldPackage(
  { id, description }: { readonly id: string; readonly description: string },
): PackageFiles {
  const sentence = printable(description).slice(0, 300);
  const name = `Scaffold: ${id.replaceAll("_", " ")}`.slice(0, 80);
  return { "manifest.toml": manifest(id, name, sentence), "skill.py": script(sentence) };
}

/** An id from the intent's first words that carry meaning, with a number when it is taken. */
export function freeId(intent: string, taken: ReadonlySet<string>): string {
  const words = intent.normalize("NFKD").toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  const joined = (telling.length > 0 ? telling : words).slice(0, 5).join("_").slice(0, 48);
  const stem = /^[a-z]/.test(joined) ? joined : `skill_${joined}`.replace(/_$/, "");
  if (!taken.has(stem)) return stem;
  let number = 2;
  while (taken.has(`${stem}_${number}`)) number++;
  return `${stem}_${number}`;
}

function manifest(id: string, name: string, sentence: string): string {
  return `id = ${quote(id)}
name = ${quote(name)}
version = "0.1.0"
description = ${quote(`Scaffold, to be filled in: ${sentence}`)}
serve = "functions"

[[tools]]
name = "invoke"
description = ${quote(`Scaffold, does nothing yet: ${sentence}`)}
input_schema = { type = "object", additionalProperties = true }
`;
}

function script(sentence: string): string {
  return `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
"""A scaffold written by a template, without a model: the work is still to be done."""

INTENT = ${quote(sentence)}


def invoke(**request):
    """Says what this skill is meant to do, and what it was given."""
    return {"scaffold": True, "intent": INTENT, "received": request}
`;
}

/** A string literal that JSON, TOML and Python read alike. */
function quote(text: string): string {
  return JSON.stringify(text);
}

/** One line of Unicode text without control characters and lone surrogates. */
function printable(text: string): string {
  return text.replace(/[\p{Control}\p{Surrogate}\p{Line_Separator}\p{Paragraph_Separator}\s]+/gu, " ").trim();
}
