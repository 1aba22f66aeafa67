import { Buffer } from "node:buffer";
import { Composer, type Document, isMap, isNode, isScalar, isSeq, Lexer, type Pair, Parser } from "yaml";
import { SkillError, type SkillErrorCode } from "../base/errors.ts";
import { type Json, POISONED_KEYS } from "../base/json.ts";

/** What `parseYaml` needs to know. */
export interface YamlSource {
  /** Shown in errors. */
  readonly file: string;
  readonly code: SkillErrorCode;
  /** Line of the file on which the text starts, less one. Default 0. */
  readonly lineOffset?: number;
  /** Bytes of UTF-8. Default 1 MiB. */
  readonly maxBytes?: number;
  /** `typed`: by the core schema of YAML 1.2. `text`: every scalar is text, as it stands. Default `typed`. */
  readonly scalars?: "typed" | "text";
}

const MAX_DEPTH = 64;
/** Marks, words, spaces and line ends. Some 300 bytes of memory go with each. */
const MAX_TOKENS = 800_000;
/** What to do where the parser's own words don't tell. */
const FIXES: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'Write text that holds ": " in quotes',
  TAG_RESOLVE_FAILED: "Remove the tag",
  NON_STRING_KEY: "Write a key of text",
  TAB_AS_INDENT: "Indent with spaces",
};

/**
 * Parses a YAML document that a stranger wrote to what JSON can carry: no dates, no binary, no merged keys; keys are
 * text, and numbers that JSON lacks are text (`.nan`, `.inf`). Size, tokens and nesting (64 levels) are bounded while it
 * is read. Anchors, aliases, directives, tags but those of the schema, a second document and keys that occur twice are
 * refused; keys that could reach a prototype are dropped.
 *
 * @throws {SkillError} with `source.code`, line and column
 */
export function parseYaml(text: string, source: YamlSource): Json {
  const { file, code, maxBytes = 1 << 20 } = source;
  const size = Buffer.byteLength(text);
  if (size > maxBytes) throw new SkillError(code, `${file} is ${size} bytes long, the limit is ${maxBytes}`);
  const refuse: Refuse = (at, reason, fix) => problem(text, at, reason, fix, source);
  const schema = source.scalars === "text" ? "failsafe" : "core";
  const document = withoutStacks(() => readDocument(text, schema, refuse));
  const wrong = document.errors[0] ?? document.warnings[0];
  if (wrong !== undefined) throw refuse(wrong.pos[0], wrong.message, FIXES[wrong.code]);
  return toJson(document.contents, refuse);
}

type Refuse = (at: number, reason: string, fix?: string) => SkillError;

/** The package goes on after errors and makes one for each mark: their stacks would cost more than all the rest. */
function withoutStacks<Result>(work: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Feeds the parser token by token, so that it can be stopped before it builds what is too much. */
function readDocument(text: string, schema: "core" | "failsafe", refuse: Refuse): Document.Parsed {
  const parser = new Parser();
  // Keys are compared in `toJson`: the package compares each with all others.
  const composer = new Composer({ schema, resolveKnownTags: false, stringKeys: true, uniqueKeys: false });
  const documents: Document.Parsed[] = [];
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === "error") throw refuse(token.offset, token.message);
      // another version of YAML has other rules
      if (token.type === "directive") throw refuse(token.offset, "a directive is not read here", "Remove it");
      documents.push(...composer.next(token));
    }
    // the document itself and a scalar are in the stack, too
    const tooDeep = parser.stack.length > MAX_DEPTH + 2;
    if (tooDeep || ++tokens > MAX_TOKENS) {
      const what = tooDeep ? `nested deeper than ${MAX_DEPTH} levels` : `more than ${MAX_TOKENS} tokens`;
      throw refuse(parser.offset, what, "Make it smaller");
    }
    if (documents.length > 1) break;
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(true, text.length));
  const [document, second] = documents;
  if (second !== undefined) throw refuse(second.range[0], "a second document", "Give one document only");
  return document as Document.Parsed;
}

function toJson(node: unknown, refuse: Refuse): Json {
  // a key without a value
  if (!isNode(node)) return null;
  const at = node.range?.[0] ?? 0;
  if ("anchor" in node && node.anchor !== undefined) {
    throw refuse(at, `the anchor "&${node.anchor}" is not read here`, "Write the value out where it is used");
  }
  if (isSeq(node)) return node.items.map((item) => toJson(item, refuse));
  if (isMap(node)) return toObject(node.items, refuse);
  if (!isScalar(node)) throw refuse(at, "an alias is not read here", "Write the value out where it is used");
  const { value, source = "" } = node;
  return typeof value === "number" && !Number.isFinite(value) ? source : value as Json;
}

function toObject(items: readonly Pair[], refuse: Refuse): Json {
  const object = new Map<string, Json>();
  for (const { key, value } of items) {
    const given = toJson(key, refuse);
    // the parser saw to it that keys are text
    const name = typeof given === "string" ? given : "";
    if (object.has(name)) {
      const at = isScalar(key) ? key.range?.[0] : undefined;
      throw refuse(at ?? 0, `a second key ${JSON.stringify(name.slice(0, 80))}`, "Remove one of them");
    }
    object.set(name, toJson(value, refuse));
  }
  return Object.fromEntries([...object].filter(([key]) => !POISONED_KEYS.has(key)));
}

function problem(
  text: string,
  at: number,
  reason: string,
  fix: string | undefined,
  { file, code, lineOffset = 0 }: YamlSource,
): SkillError {
  const before = text.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length + lineOffset, column = at - start + 1;
  const excerpt = text.slice(start).split("\n", 1)[0]?.trim().slice(0, 120) ?? "";
  return new SkillError(
    code,
    `${file} line ${line}, column ${column}: not valid YAML: ${reason.slice(0, 300)}`,
    {
      fix: `${fix ?? "Correct the line"}: ${excerpt}`,
      details: { file, line, column },
    },
  );
}
