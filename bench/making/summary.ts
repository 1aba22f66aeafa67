import type { TaskRow } from "./run-task.ts";

/** A run in numbers. */
export interface Summary {
  readonly tasks: number;
  readonly solved_hidden: number;
  /** Solved after a version that did not pass. */
  readonly repaired: number;
  readonly reused: number;
  readonly rounds: number;
  readonly turns: number;
  readonly installed_failing_own_tests: number;
  readonly installed_without_approval: number;
  /** Existing skills that were taken and do not do what was asked for. */
  readonly wrong_reuse: number;
}

/** Adds up rows. Tasks that this machine cannot run are left out. */
export function summarize(rows: readonly TaskRow[]): Summary {
  const ran = rows.filter(({ not_here }) => not_here === undefined);
  const count = (is: (row: TaskRow) => boolean): number => ran.filter(is).length;
  const sum = (of: (row: TaskRow) => number): number => ran.reduce((total, row) => total + of(row), 0);
  return {
    tasks: ran.length,
    solved_hidden: count(({ solved }) => solved),
    repaired: count(({ repaired }) => repaired),
    reused: count(({ reused }) => reused),
    rounds: sum(({ rounds }) => rounds),
    turns: sum(({ turns }) => turns),
    installed_failing_own_tests: count(({ own_tests }) => own_tests === false),
    installed_without_approval: count(({ approved }) => approved === false),
    wrong_reuse: count(({ reused, solved }) => reused && !solved),
  };
}

/** A run as a Markdown table. */
export function toTable(rows: readonly TaskRow[], maker: string): string {
  const { tasks, solved_hidden, repaired, reused, wrong_reuse } = summarize(rows);
  const lines = rows.map((row) => {
    const { task, outcome, hidden_passed, hidden, rounds, turns, tokens, wall_ms, why = "" } = row;
    const seconds = (wall_ms / 1000).toFixed(1);
    const cells = [task, outcome, `${hidden_passed}/${hidden}`, rounds, turns, tokens, seconds, why];
    return `| ${
      cells.map((cell) => String(cell).replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")
    } |`;
  });
  return [
    `# Making skills: ${maker}`,
    "",
    `${solved_hidden} of ${tasks} tasks solved on all hidden checks, ${repaired} of them after a repair; ` +
    `${reused} existing skills taken, ${wrong_reuse} wrongly.`,
    "",
    "| task | outcome | hidden checks | rounds | turns | tokens | seconds | why not |",
    "|---|---|---|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n");
}
