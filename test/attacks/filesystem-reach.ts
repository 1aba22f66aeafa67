import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { pythonFiles } from "../../src/sandbox/files/python-files.ts";
import type { Json } from "../../src/base/json.ts";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { battery, callOnce, fixture, type Scene } from "./battery.ts";
import { addSkill } from "./skill-package.ts";

const CODE = fixture("attacker", "filesystem");
const KEPT = ["truncate", "remove", "mode", "times", "take", "exchange"];

/** Files that are none of the skill's, a folder it may read, and one it may write. */
function outside(place: AttackPlace): Scene & { readonly secret: string; readonly dir: string } {
  const dir = place.fresh();
  const name = (path: string) => join(basename(dir), path);
  const secret = randomUUID();
  place.file(name("private/secret"), secret, 0o600);
  for (const file of KEPT) place.file(name(`private/${file}`), "kept", 0o600);
  const readable = place.folder(name("readable"));
  const marks = place.folder(name("marks"));
  const path = (file: string) => join(dir, "private", file);
  const effects: Readonly<Record<string, () => boolean>> = {
    write: () => existsSync(path("written")),
    write_beside_grant: () => existsSync(`${marks}-beside`),
    truncate: () => readFileSync(path("truncate"), "utf8") === "",
    remove: () => !existsSync(path("remove")),
    change_mode: () => (statSync(path("mode")).mode & 0o777) !== 0o600,
    change_times: () => statSync(path("times")).mtimeMs < 100_000,
    rename_out_of_grant: () => existsSync(path("moved")),
    rename_into_grant: () => existsSync(join(marks, "taken")),
    exchange_with_grant: () => readFileSync(path("exchange"), "utf8") !== "kept",
    hard_link: () => existsSync(join(marks, "hard")),
    write_granted_for_reading: () => existsSync(join(readable, "new")),
    remount: () => existsSync(join(readable, "remounted")),
    umount: () => false,
    write_planted_folder: () => existsSync(path("written")),
  };
  const reads = (attempt: string, got: Json): boolean => {
    if (attempt === "read_shadow") return JSON.stringify(got).includes("root:");
    if (attempt === "list_outside") return JSON.stringify(got).includes("secret");
    return got === secret;
  };
  return {
    dir,
    secret,
    order: { secret: path("secret"), outside: join(dir, "private"), readable, marks },
    overrides: { policy: { read: [readable], write: [marks] } },
    reached: (attempt, got) => effects[attempt]?.() ?? reads(attempt, got),
  };
}

/** Attempts on the program's own files. */
function ownFiles(place: AttackPlace): Scene {
  const base = outside(place);
  let entry = "";
  let before = "";
  return {
    ...base,
    complete: (program) => {
      entry = program.entry;
      before = readFileSync(entry, "utf8");
      return { entry, boot: pythonFiles().boot };
    },
    reached: (name, got) => {
      if (name === "open_bootstrap") return got === "opened";
      if (name === "shadow_module") return existsSync(join(entry, "../json.py"));
      return readFileSync(entry, "utf8") !== before;
    },
  };
}

/** A socket that somebody listens at, in a folder that may be read. */
async function socketScene(place: AttackPlace): Promise<Scene> {
  const base = outside(place);
  const path = join(base.dir, "readable/socket");
  let bytes = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => bytes += chunk.length);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  place.defer(() => server.close());
  return {
    ...base,
    order: { ...base.order, socket: path },
    reached: async () => {
      // What was sent before the answer may arrive behind it.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return bytes > 0;
    },
  };
}

/** The links that one run plants, followed by the next one. */
async function plantedLinks(place: AttackPlace): Promise<readonly Attempt[]> {
  const scene = async (guarded: boolean) => {
    const made = outside(place);
    const program = place.program(CODE, made.overrides);
    const planted = await callOnce(place, guarded ? place.sandbox : place.unguarded, program, "plant_link", {
      order: made.order,
    });
    if (planted.error !== undefined) throw planted.error;
    return made;
  };
  return await battery(place, {
    code: CODE,
    attempts: ["read_planted", "read_planted_folder", "write_planted_folder"],
    scene: (_place, guarded) => scene(guarded),
  });
}

/** What a skill of a home sees of that home, and of the skill beside it. */
async function readStore(place: AttackPlace): Promise<readonly Attempt[]> {
  const read = async (sandbox: AttackPlace["sandbox"]): Promise<Readonly<Record<string, boolean>>> => {
    const skills = await place.skills({ sandbox });
    await addSkill(place, skills, { id: "reader", code: CODE, tools: ["read_it", "list_it"] });
    await addSkill(place, skills, {
      id: "neighbour",
      code: "def secret():\n    return 1\n",
      tools: ["secret"],
    });
    const gets = (tool: string, path: string) =>
      skills.run("reader", { path: join(skills.library.dir, path) }, { tool }).then(() => true, () => false);
    return {
      plugin_store: await gets("list_it", ".state"),
      other_skill: await gets("read_it", "neighbour/skill.py"),
    };
  };
  const guarded = await read(place.sandbox);
  const control = await read(place.unguarded);
  return Object.entries(guarded).map(([name, reached]) => ({
    name,
    answer: reached ? "escaped" : "denied",
    control: control[name] === true,
  }));
}

const needsRoot = (...names: readonly string[]) => (name: string, { isRoot }: AttackPlace): boolean =>
  !isRoot && names.includes(name);

/** Reaching out of what was granted. */
export const filesystemReach: readonly Attack[] = [
  {
    case: 1,
    name: "read_secret_outside",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: async (place) => [
      ...await battery(place, {
        code: CODE,
        attempts: ["read_shadow", "read_secret", "read_through_link", "list_outside"],
        scene: outside,
        uncontrolled: needsRoot("read_shadow"),
      }),
      ...await readStore(place),
    ],
  },
  {
    case: 2,
    name: "write_outside_grant",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) =>
      battery(place, {
        code: CODE,
        attempts: [
          "write",
          "write_beside_grant",
          "truncate",
          "remove",
          "change_mode",
          "change_times",
          "write_granted_for_reading",
        ],
        scene: outside,
      }),
  },
  {
    case: 3,
    name: "symlink_in_rw_dir_to_outside",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: plantedLinks,
  },
  {
    case: 6,
    name: "remount_rw",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) =>
      battery(place, {
        code: CODE,
        attempts: ["remount"],
        scene: (place, guarded) => {
          const scene = outside(place);
          return { ...scene, order: { ...scene.order, mount_first: !guarded } };
        },
      }),
  },
  {
    case: 7,
    name: "unix_socket_on_ro_grant",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) => battery(place, { code: CODE, attempts: ["granted_socket"], scene: socketScene }),
  },
  {
    case: 8,
    name: "hardlink_and_rename_across_grant",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) =>
      battery(place, {
        code: CODE,
        attempts: ["hard_link", "rename_out_of_grant", "rename_into_grant", "exchange_with_grant"],
        scene: outside,
      }),
  },
  {
    case: 9,
    name: "modify_own_code",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) =>
      battery(place, {
        code: CODE,
        attempts: ["append_to_entry", "replace_entry", "shadow_module", "open_bootstrap"],
        scene: ownFiles,
        // Nobody may write the trusted files of an installed package anyway.
        uncontrolled: needsRoot("open_bootstrap"),
      }),
  },
];
