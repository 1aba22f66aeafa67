import { plainText } from "../base/plain-text.ts";
import { permissionText } from "../graph/proposal-text.ts";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { ToolSpec } from "../manifest/types.ts";

/** Of each list in what is shown. */
const MOST = 12;

/** What a skill asks for, indented, as no line or one. */
export function showPermissions({ permissions }: SkillInfo): string[] {
  const text = permissionText({ permissions, credentials: [] });
  return text === "none" ? [] : [`  permissions: ${text}`];
}

/** A skill's tools, how each is called and what it does, indented, a line each. */
export function showTools({ tools }: SkillInfo): string[] {
  const lines = tools.slice(0, MOST).map((tool) => {
    const does = tool.description === "" ? "" : `: ${tool.description}`;
    return `  ${plainText(`${signature(tool)}${does}`).replaceAll("\n", " ")}`;
  });
  return tools.length > MOST ? [...lines, `  and ${tools.length - MOST} tools more`] : lines;
}

/** `slugify(title: string, max_length?: integer)`, by the input's schema. */
function signature({ name, input_schema: { properties, required } }: ToolSpec): string {
  if (properties === undefined) return `${name}(…)`;
  const needed = Array.isArray(required) ? required : [];
  const all = Object.entries(properties as Readonly<Record<string, unknown>>).map(([key, schema]) =>
    `${key}${needed.includes(key) ? "" : "?"}${typeOf(schema)}`
  );
  return `${name}(${[...all.slice(0, MOST), ...(all.length > MOST ? ["…"] : [])].join(", ")})`;
}

function typeOf(schema: unknown): string {
  if (typeof schema !== "object" || schema === null || !("type" in schema)) return "";
  return `: ${[schema.type].flat().join(" or ")}`;
}
