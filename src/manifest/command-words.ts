/**
 * Splits a command line into words. Quotes and backslashes keep what they keep in a shell; nothing else of a shell is
 * there: no variables, no pipes, no wildcards.
 *
 * @returns undefined when a quote is not closed or a backslash ends the line
 */
export function commandWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined, quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const sign = line.charAt(at), next = line.charAt(at + 1);
    if (sign === "\\" && quote !== "'" && (quote === undefined || next === '"' || next === "\\")) {
      if (next === "") return undefined;
      word = (word ?? "") + next;
      at++;
    } else if (sign === quote) quote = undefined;
    else if (quote === undefined && (sign === "'" || sign === '"')) {
      quote = sign;
      word ??= "";
    } else if (quote === undefined && /\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + sign;
  }
  if (quote !== undefined) return undefined;
  return word === undefined ? words : [...words, word];
}

/** Why a command line can't be meant; undefined when it can. */
export function commandLineProblem(line: string): string | undefined {
  if (line.includes("\0")) return "it holds a NUL byte";
  const words = commandWords(line);
  if (words === undefined) return "a quote is not closed, or a backslash stands at the end";
  return words.length === 0 ? "it has no words" : programProblem(words[0] ?? "");
}

/** Why a word can't be a declared program: it must be a name, or a file of the package as `./name`. */
export function programProblem(program: string): string | undefined {
  if (/^[A-Za-z0-9_][A-Za-z0-9._+-]*$/.test(program)) return undefined;
  if (!program.startsWith("./")) {
    return "its program is neither a name nor a file of the package, like ./run.sh";
  }
  const plain = program.slice(2).split("/").every((part) => part !== "" && part !== "." && part !== "..");
  return plain ? undefined : 'its program must be written without ".", ".." and empty parts';
}

/** Why words can't be a program of the package with its arguments. */
export function packageProgramProblem([program = "", ...rest]: readonly string[]): string | undefined {
  if ([program, ...rest].some((word) => word.includes("\0"))) return "it holds a NUL byte";
  return program.startsWith("./")
    ? programProblem(program)
    : "its program is no file of the package, like ./serve.sh";
}
