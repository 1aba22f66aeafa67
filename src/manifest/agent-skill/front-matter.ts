import { SkillError } from "../../base/errors.ts";

/** A value of front matter. All scalars are text, as they stand: `1.0` is no number. */
export type FrontValue = string | readonly string[] | Readonly<Record<string, string>>;

/** What stands between the `---` lines of a Markdown file, and what comes behind it. */
export interface FrontMatter {
  readonly data: Readonly<Record<string, FrontValue>>;
  /** Line of each key, from 1. */
  readonly lines: Readonly<Record<string, number>>;
  /** Keys whose plain value holds `: `, which YAML would refuse. */
  readonly unquoted: readonly string[];
  readonly body: string;
}

const MAX_LINES = 500;
const KEY = /^([A-Za-z_][A-Za-z0-9_-]{0,63}):(?:[ ]+(.*))?$/;
/** What begins something of YAML that is not read here. */
const REFUSED: Readonly<Record<string, string>> = {
  "&": "an anchor",
  "*": "an alias",
  "!": "a tag",
  "{": "a map in braces",
  "%": "a directive",
  "@": "a reserved sign",
  "`": "a reserved sign",
};

/**
 * Reads YAML front matter as Agent Skills use it: keys with text, quoted or plain, over several lines or as a block
 * (`|`, `>`), lists of text, one level of a map of text. Anchors, aliases, tags, and types other than text are not read.
 *
 * @throws {SkillError} `invalid_manifest` with file and line
 */
export function readFrontMatter(text: string, file: string): FrontMatter {
  const all = text.replaceAll("\r\n", "\n").split("\n");
  if (all[0]?.trimEnd() !== "---") {
    throw problem(file, 1, "it must start with YAML front matter", 'Write "---", then name and description');
  }
  const end = all.findIndex((line, index) => index > 0 && line.trimEnd() === "---");
  if (end < 0) throw problem(file, all.length, "the front matter is not closed", 'Close it with "---"');
  if (end > MAX_LINES) throw problem(file, MAX_LINES, `the front matter has more than ${MAX_LINES} lines`);
  const reader = new Reader(all.slice(1, end), file);
  return { ...reader.read(), body: all.slice(end + 1).join("\n").replace(/^\n+/, "") };
}

class Reader {
  readonly #lines: readonly string[];
  readonly #file: string;
  readonly #unquoted: string[] = [];
  /** Index of the next line. */
  #at = 0;

  constructor(lines: readonly string[], file: string) {
    this.#lines = lines;
    this.#file = file;
  }

  read(): Omit<FrontMatter, "body"> {
    const data = new Map<string, FrontValue>(), lines = new Map<string, number>();
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      const at = this.#at;
      const [, key, rest = ""] = KEY.exec(line) ?? [];
      if (key === undefined) throw this.#wrong("front matter must be a YAML mapping", "Write key: value");
      if (data.has(key)) throw this.#wrong(`a second key "${key}"`, "Remove one of them");
      data.set(key, this.#value(key, rest.trim()));
      lines.set(key, at + 1);
    }
    return { data: Object.fromEntries(data), lines: Object.fromEntries(lines), unquoted: this.#unquoted };
  }

  /** The next line that says something. */
  #next(): string | undefined {
    while (this.#at < this.#lines.length) {
      const line = this.#lines[this.#at++] ?? "";
      if (line.trim() !== "" && !line.trimStart().startsWith("#")) return line.trimEnd();
    }
    return undefined;
  }

  #value(key: string, rest: string): FrontValue {
    if (/^[|>][+-]?\d?[+-]?(?:\s+#.*)?$/.test(rest)) return this.#block(rest);
    if (rest.startsWith("[")) return this.#flow(rest);
    if (rest === "" || rest.startsWith("#")) return this.#nested();
    return this.#scalar(rest, key, true);
  }

  /** Lines below a key that are indented deeper, or begin with `- `. */
  #below(): readonly string[] {
    const lines: string[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at] ?? "";
      if (line.trim() !== "" && !/^(?: +\S|- |-$)/.test(line)) break;
      lines.push(line);
    }
    return lines;
  }

  #nested(): FrontValue {
    const first = this.#at;
    const rows = this.#below().map((line, index) => ({ text: line.trim(), at: first + index + 1 }))
      .filter(({ text }) => text !== "" && !text.startsWith("#"));
    const isList = rows.some(({ text }) => text === "-" || text.startsWith("- "));
    if (rows.length === 0) return "";
    if (isList) return rows.map(({ text, at }) => this.#item(text, at));
    const map = new Map<string, string>();
    for (const { text, at } of rows) {
      const [, key, rest = ""] = KEY.exec(text) ?? [];
      if (key === undefined || rest === "") throw this.#wrongAt(at, "only text is read below a key");
      if (map.has(key)) throw this.#wrongAt(at, `a second key "${key}"`, "Remove one of them");
      map.set(key, this.#scalar(rest.trim(), key, false, at));
    }
    return Object.fromEntries(map);
  }

  #item(text: string, at: number): string {
    if (text.startsWith("- ")) return this.#scalar(text.slice(2).trim(), "", false, at);
    throw this.#wrongAt(at, "a list must hold text only", "Write - text");
  }

  /** A list in brackets, on one line. */
  #flow(rest: string): readonly string[] {
    const [, inside] = /^\[(.*)\](?:\s+#.*)?$/.exec(rest) ?? [];
    if (inside === undefined) throw this.#wrong("a list is not closed on its line", 'Write ["one", "two"]');
    if (inside.trim() === "") return [];
    return inside.split(",").map((part) => this.#scalar(part.trim(), "", false));
  }

  #scalar(text: string, key: string, mayGoOn: boolean, at = this.#at): string {
    const sign = text[0] ?? "";
    if (sign === '"' || sign === "'") return this.#quoted(text, sign, at);
    const what = REFUSED[sign];
    if (what !== undefined) {
      throw this.#wrongAt(at, `${what} ("${sign}") is not read here`, "Write the value in quotes");
    }
    const first = withoutComment(text);
    const more = mayGoOn
      ? this.#below().map((line) => withoutComment(line.trim())).filter((line) => line !== "")
      : [];
    const whole = [first, ...more].join(" ");
    if (whole.includes(": ") || whole.endsWith(":")) this.#unquoted.push(key);
    return whole;
  }

  #quoted(text: string, sign: string, at: number): string {
    const form = sign === '"' ? /^("(?:[^"\\]|\\.)*")(?:\s+#.*)?$/ : /^'((?:[^']|'')*)'(?:\s+#.*)?$/;
    const [, inside] = form.exec(text) ?? [];
    if (inside === undefined) throw this.#wrongAt(at, "quotes are not closed on their line", "Close them");
    if (sign === "'") return inside.replaceAll("''", "'");
    try {
      return JSON.parse(inside) as string;
    } catch {
      throw this.#wrongAt(at, "an escape in quotes is not read", String.raw`Write \n, \t, \" or \\`);
    }
  }

  /** `|` keeps line ends, `>` joins lines; a trailing `-` drops the newline at the end. */
  #block(mark: string): string {
    const lines = this.#below();
    const filled = lines.filter((line) => line.trim() !== "");
    const indent = Math.min(...filled.map((line) => line.length - line.trimStart().length), 100);
    const text = lines.map((line) => line.slice(indent).trimEnd()).join("\n").replace(/\n+$/, "");
    const joined = mark.startsWith("|")
      ? text
      : text.split(/\n{2,}/).map((part) => part.replaceAll("\n", " ")).join("\n");
    return mark.includes("-") || joined === "" ? joined : `${joined}\n`;
  }

  #wrong(message: string, fix?: string): SkillError {
    return this.#wrongAt(this.#at, message, fix);
  }

  /** `at`: index of the line plus one; the first line of the file is `---`. */
  #wrongAt(at: number, message: string, fix?: string): SkillError {
    return problem(this.#file, at + 1, message, fix);
  }
}

function withoutComment(text: string): string {
  return text.replace(/(?:^|\s)#.*$/, "").trimEnd();
}

function problem(file: string, line: number, message: string, fix?: string): SkillError {
  return new SkillError("invalid_manifest", `${file} line ${line}: ${message}`, {
    ...(fix === undefined ? {} : { fix }),
    details: { file, line },
  });
}
