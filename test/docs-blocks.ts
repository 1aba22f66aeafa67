import { readdirSync, readFileSync } from "node:fs";

/** A fenced block of a document of the project. */
export interface DocBlock {
  readonly file: string;
  /** Of the block's first line. */
  readonly line: number;
  /** What stands behind the fence; empty where nothing does. */
  readonly language: string;
  readonly text: string;
}

const ROOT = new URL("../", import.meta.url);

/** The documents that users read, with their text. */
export function documents(): readonly { readonly file: string; readonly text: string }[] {
  const docs = readdirSync(new URL("docs/", ROOT)).filter((name) => name.endsWith(".md"));
  const files = ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)];
  return files.map((file) => ({ file, text: readFileSync(new URL(file, ROOT), "utf8") }));
}

/** All their fenced blocks in one language. */
export function docBlocks(language: string): readonly DocBlock[] {
  return documents().flatMap(({ file, text }) => blocksOf(file, text)).filter((one) =>
    one.language === language
  );
}

function blocksOf(file: string, text: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  let open: { line: number; language: string; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { line: index + 2, language: fence[1] ?? "", lines: [] };
    else {
      blocks.push({ file, line: open.line, language: open.language, text: `${open.lines.join("\n")}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${file}:${open.line} opens a block that is never closed`);
  return blocks;
}

/** The cells of a table whose heading begins with `head`, row by row. */
export function docTable(file: string, head: string): readonly (readonly string[])[] {
  const lines = readFileSync(new URL(file, ROOT), "utf8").split("\n");
  const at = lines.findIndex((line) => line.startsWith(head));
  if (at < 0) throw new Error(`${file} has no table "${head}"`);
  const rows = lines.slice(at + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end < 0 ? rows.length : end).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}
