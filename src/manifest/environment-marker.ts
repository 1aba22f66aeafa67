const VARIABLES = new Set([
  "python_version",
  "python_full_version",
  "os_name",
  "sys_platform",
  "platform_release",
  "platform_system",
  "platform_version",
  "platform_machine",
  "platform_python_implementation",
  "implementation_name",
  "implementation_version",
]);
const OPERATORS = new Set(["===", "==", "!=", "<=", ">=", "~=", "<", ">", "in", "not in"]);
const MAX_DEPTH = 16;

/**
 * Checks the syntax of a PEP 508 environment marker, such as `python_version < "3.11" and os_name == "posix"`.
 * `extra` is no variable here: a script has no extras.
 *
 * @returns what is wrong, or undefined.
 */
export function markerProblem(text: string): string | undefined {
  const tokens = tokenize(text);
  if (typeof tokens === "string") return tokens;
  try {
    const end = parseOr(tokens, 0, 0);
    return end === tokens.length ? undefined : `"${tokens[end]?.text}" was not expected in the marker`;
  } catch (error) {
    if (error instanceof MarkerSyntax) return error.message;
    throw error;
  }
}

class MarkerSyntax extends Error {}

interface Token {
  readonly kind: "string" | "variable" | "operator" | "and" | "or" | "(" | ")";
  readonly text: string;
}

function tokenize(text: string): readonly Token[] | string {
  const pattern = /\s*(?:("[^"]*"|'[^']*')|(not\s+in(?!\w)|===|==|!=|<=|>=|~=|<|>)|([()])|(\w[\w.]*))\s*/y;
  const tokens: Token[] = [];
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) return `the marker can't be read at "${text.slice(start, start + 40)}"`;
    const [, string, symbol, parenthesis, word] = match;
    if (string !== undefined) tokens.push({ kind: "string", text: string });
    else if (symbol !== undefined) tokens.push({ kind: "operator", text: symbol.replace(/\s+/, " ") });
    else if (parenthesis !== undefined) tokens.push({ kind: parenthesis as "(" | ")", text: parenthesis });
    else if (word === "and" || word === "or") tokens.push({ kind: word, text: word });
    else if (word === "in") tokens.push({ kind: "operator", text: word });
    else if (word !== undefined && VARIABLES.has(word)) tokens.push({ kind: "variable", text: word });
    else return `"${word}" is not a marker variable; known are ${[...VARIABLES].join(", ")}`;
  }
  return tokens;
}

function parseOr(tokens: readonly Token[], start: number, depth: number): number {
  let at = parseAnd(tokens, start, depth);
  while (tokens[at]?.kind === "or") at = parseAnd(tokens, at + 1, depth);
  return at;
}

function parseAnd(tokens: readonly Token[], start: number, depth: number): number {
  let at = parseTerm(tokens, start, depth);
  while (tokens[at]?.kind === "and") at = parseTerm(tokens, at + 1, depth);
  return at;
}

function parseTerm(tokens: readonly Token[], start: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new MarkerSyntax(`the marker is nested deeper than ${MAX_DEPTH} levels`);
  if (tokens[start]?.kind === "(") {
    const end = parseOr(tokens, start + 1, depth + 1);
    if (tokens[end]?.kind !== ")") {
      throw new MarkerSyntax("the marker has an opening parenthesis without its end");
    }
    return end + 1;
  }
  const [left, operator, right] = tokens.slice(start, start + 3);
  const complete = isOperand(left) && operator !== undefined && OPERATORS.has(operator.text) &&
    isOperand(right);
  if (!complete) throw new MarkerSyntax('the marker must hold comparisons like python_version < "3.11"');
  if (left.kind === "string" && right.kind === "string") {
    throw new MarkerSyntax(
      `the marker compares ${left.text} with ${right.text}; one side must be a variable`,
    );
  }
  return start + 3;
}

function isOperand(token: Token | undefined): token is Token {
  return token?.kind === "string" || token?.kind === "variable";
}
