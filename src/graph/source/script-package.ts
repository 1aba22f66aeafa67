import { findScriptBlock } from "../../manifest/script-block.ts";
import type { PackageFiles } from "../../lifecycle/packages/package-text.ts";

/** What a wrapped package is called and for. */
export interface Wrapping {
  readonly id: string;
  readonly intent: string;
}

/** A function at the top level that does not begin with an underscore. What it takes is read from its type hints later. */
const PUBLIC_FUNCTION = /^(?:async[ \t]+)?def[ \t]+([A-Za-z]\w*)[ \t]*\(/gm;
const MOST_TOOLS = 32;

/** A script as a package: as it is, with a header where it had none; its public functions are the tools. */
export function scriptPackage({ text }: { readonly text: string }, { id, intent }: Wrapping): PackageFiles {
  const found = [...new Set([...text.matchAll(PUBLIC_FUNCTION)].map(([, name = ""]) => name))];
  const names = (found.length > 1 ? found.filter((name) => name !== "main") : found).slice(0, MOST_TOOLS);
  const tools = names.map((name) => `\n[[tools]]\nname = ${JSON.stringify(name)}\n`);
  const chosen = names.includes("invoke") ? "invoke" : names[0];
  return {
    "manifest.toml": [
      `id = ${JSON.stringify(id)}`,
      `name = ${JSON.stringify(titled(id))}`,
      'version = "0.1.0"',
      `description = ${JSON.stringify(oneLine(intent, 300))}`,
      'serve = "functions"',
      ...(chosen === undefined ? [] : [`default_tool = ${JSON.stringify(chosen)}`]),
      "",
    ].join("\n") + tools.join(""),
    "skill.py": hasHeader(text) ? text : `${HEADER}${text}`,
  };
}

/** The header of a script that needs nothing. */
export const HEADER = '# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\n';

/** A name to read from an id. */
export function titled(id: string): string {
  const words = id.replaceAll(/[_-]+/g, " ").trim();
  return (words.charAt(0).toUpperCase() + words.slice(1)).slice(0, 80);
}

/** Text in one line of at most so many characters, without control characters. */
export function oneLine(text: string, most: number): string {
  return text.replace(/[\p{Control}\p{Surrogate}\p{Line_Separator}\p{Paragraph_Separator}\s]+/gu, " ").trim()
    .slice(
      0,
      most,
    );
}

/** A header that is refused stays, so that the check can say why. */
function hasHeader(text: string): boolean {
  try {
    return findScriptBlock(text, "skill.py") !== undefined;
  } catch {
    return true;
  }
}
