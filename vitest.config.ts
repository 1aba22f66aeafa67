import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest, begun first so that no process waits for it at the end. A fresh clone knows only sizes of files. */
const LONG = [
  "attacks/bubblewrap",
  "main-path/tasks",
  "environment/install/build",
  "attacks/landlock",
  "cli/commands",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`${name}.int.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/setup.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.int.test.ts"],
          // The sources keep no state in modules: these files share two processes, and load each module once.
          isolate: false,
        },
      },
      // A process that starts others stays small: starting one costs more the larger it is.
      { extends: true, test: { name: "processes", include: ["test/**/*.int.test.ts"] } },
    ],
  },
});
