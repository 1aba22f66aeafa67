/** Path of a value in a TOML document: keys, and positions in arrays of tables. */
export type TomlPath = readonly (string | number)[];

/**
 * Finds the line of a key in a TOML text that has been parsed before, for error messages. A value inside an inline
 * table or an array is found by the statement that holds it.
 *
 * @returns a line number from 1, or undefined when not even the first key is written anywhere.
 */
export function lineOfKey(text: string, path: TomlPath): number | undefined {
  let best: { readonly line: number; readonly length: number } | undefined;
  for (const statement of statements(text)) {
    const length = commonLength(statement.path, path);
    const covers = length === statement.path.length || length === path.length;
    if (length > 0 && covers && length > (best?.length ?? 0)) best = { line: statement.line, length };
  }
  return best?.line;
}

interface Statement {
  readonly path: TomlPath;
  readonly line: number;
}

function* statements(text: string): Generator<Statement> {
  const counts = new Map<string, number>();
  let table: TomlPath = [];
  let scan: ScanState = { quote: "", depth: 0 };
  for (const [index, line] of text.split("\n").entries()) {
    const fresh = scan.quote === "" && scan.depth === 0;
    const header = fresh ? /^\s*(\[\[?)(.+?)\]\]?\s*(?:#.*)?$/.exec(line) : null;
    if (header !== null) {
      table = tablePath(splitKey(header[2] ?? "").keys, header[1] === "[[", counts);
      yield { path: table, line: index + 1 };
      continue;
    }
    const key = fresh ? splitKey(line) : undefined;
    if (key !== undefined && line[key.end] === "=") {
      yield { path: [...table, ...key.keys], line: index + 1 };
    }
    scan = scanValue(key === undefined ? line : line.slice(key.end), scan);
  }
}

/** Resolves a header to a path with positions: `[tools.x]` after two `[[tools]]` is `tools, 1, x`. */
function tablePath(keys: readonly string[], isArray: boolean, counts: Map<string, number>): TomlPath {
  const path: (string | number)[] = [];
  for (const [index, key] of keys.entries()) {
    path.push(key);
    const name = JSON.stringify(path);
    const last = index === keys.length - 1;
    if (last && isArray) counts.set(name, (counts.get(name) ?? -1) + 1);
    const at = counts.get(name);
    if (at !== undefined) path.push(at);
  }
  return path;
}

/** Splits a dotted key with its quoted parts; `end` is where the key stops. */
function splitKey(text: string): { readonly keys: readonly string[]; readonly end: number } {
  const part = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.?)/y;
  const keys: string[] = [];
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    keys.push(match[1] ?? match[2] ?? match[3] ?? "");
    if (match[4] === "") return { keys, end: part.lastIndex };
  }
  return { keys, end: text.length };
}

/** Where a scan of values stands at the end of a line: inside which string, how many brackets deep. */
interface ScanState {
  readonly quote: string;
  readonly depth: number;
}

function scanValue(line: string, state: ScanState): ScanState {
  let { quote, depth } = state;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? "";
    if (quote !== "") {
      if (char === "\\" && quote.startsWith('"')) at++;
      else if (line.startsWith(quote, at)) {
        at += quote.length - 1;
        quote = "";
      }
    } else if (char === '"' || char === "'") {
      quote = line.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
      at += quote.length - 1;
    } else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    else if (char === "#") break;
  }
  // only strings with three quotes go on to the next line
  return { quote: quote.length === 3 ? quote : "", depth: Math.max(0, depth) };
}

function commonLength(a: TomlPath, b: TomlPath): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
