import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { romanSkill } from "../lifecycle/support/open-home.ts";

/** What is done to a home; `packages` is the folder of `writePackages`. */
type Operation = (library: OpenedLibrary, packages: string) => Promise<unknown>;

/** One operation on a home, and the home that it begins with. */
export interface Scenario {
  readonly name: string;
  /** The home is not chosen by code: it has to be one that the user made. */
  readonly found?: boolean;
  /** A part of it is written by the skill itself: a power cut can't be replayed. */
  readonly bySkill?: boolean;
  /** Makes the home. Without it the operation begins with nothing. */
  readonly prepare?: Operation;
  /** The operation. */
  readonly perform: Operation;
}

const ID = "roman";

/** The packages that the scenarios install: three versions, the last one with more in it. */
export function writePackages(folder: string): void {
  const packages = {
    v1: romanSkill("1.0.0"),
    v2: romanSkill("2.0.0", { "tests/test_tell.py": TEST, "data/words.txt": "one\n" }),
    v3: romanSkill("3.0.0"),
    kept1: keepingSkill("1.0.0", 1),
    kept2: keepingSkill("2.0.0", 2),
  };
  for (const [name, files] of Object.entries(packages)) {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
}

/** A skill that keeps state, which a later version brings up. */
function keepingSkill(version: string, schema: number): Record<string, string> {
  return {
    "manifest.toml": `id = "${ID}"
name = "Keeps"
version = "${version}"
description = "Keeps a number"
[state]
schema_version = ${schema}
migrate = "bring_up"
`,
    "skill.py": `import os
import pathlib

KEPT = pathlib.Path(os.environ["SKILLWRIGHT_STATE_DIR"])


def invoke() -> str:
    (KEPT / "kept.txt").write_text("${version}")
    return "${version}"


def bring_up(from_version: int, to_version: int) -> None:
    (KEPT / "brought_up.txt").write_text("%s to %s" % (from_version, to_version))
`,
  };
}

const TEST = `import skill


def test_tell():
    assert skill.tell() == "2.0.0"
`;

async function active(
  library: OpenedLibrary,
  packages: string,
  ...versions: readonly string[]
): Promise<void> {
  for (const version of versions) {
    await library.install(join(packages, version));
    await library.activate(ID);
  }
}

/** What is done to a home. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "install into a new home",
    perform: (library, packages) => library.install(join(packages, "v1")),
  },
  {
    name: "install into a new home of the user's",
    found: true,
    perform: (library, packages) => library.install(join(packages, "v1")),
  },
  {
    name: "install a new version in the place of a candidate",
    prepare: async (library, packages) => {
      await active(library, packages, "v1");
      await library.install(join(packages, "v2"));
    },
    perform: (library, packages) => library.install(join(packages, "v3")),
  },
  {
    name: "install what was staged and built",
    prepare: (library, packages) => active(library, packages, "v1"),
    perform: async (library) => {
      const { key } = await library.stage(romanSkill("3.0.0"));
      await library.build(key);
      await library.installStaged(key);
    },
  },
  {
    name: "test",
    prepare: (library, packages) => library.install(join(packages, "v2")),
    perform: (library) => library.test(ID),
  },
  {
    name: "activate",
    prepare: async (library, packages) => {
      await active(library, packages, "v1");
      await library.install(join(packages, "v2"));
    },
    perform: (library) => library.activate(ID),
  },
  {
    name: "activate what brings its state up",
    bySkill: true,
    prepare: async (library, packages) => {
      await active(library, packages, "kept1");
      await library.run(ID, {});
      await library.install(join(packages, "kept2"));
    },
    perform: (library) => library.activate(ID),
  },
  {
    name: "update",
    prepare: (library, packages) => active(library, packages, "v1"),
    perform: (library, packages) =>
      library.update(ID, { source: join(packages, "v2"), confirm: () => Promise.resolve() }),
  },
  {
    name: "disable",
    prepare: (library, packages) => active(library, packages, "v1"),
    perform: (library) => library.disable(ID),
  },
  {
    name: "quarantine",
    prepare: (library, packages) => active(library, packages, "v1"),
    perform: (library) => library.quarantine(ID, "it lies"),
  },
  {
    name: "rollback",
    prepare: (library, packages) => active(library, packages, "v1", "v2"),
    perform: (library) => library.rollback(ID),
  },
  {
    name: "uninstall",
    prepare: async (library, packages) => {
      await active(library, packages, "v1", "v2");
      await library.secrets.set({ skill: ID, name: "TOKEN", value: "open sesame" });
    },
    perform: (library) => library.uninstall(ID),
  },
  {
    name: "secrets set",
    prepare: (library, packages) => active(library, packages, "v1"),
    perform: (library) => library.secrets.set({ skill: ID, name: "TOKEN", value: "open sesame" }),
  },
];
