import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import nodeProcess from "node:process";
import { promisify } from "node:util";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { battery, callOnce, eachAlone, fixture, type Scene } from "./battery.ts";

const CODE = fixture("attacker", "process");
const isX64 = nodeProcess.arch === "x64";

/** Each attempt leaves a mark in a folder that may be written, if its process comes to life. */
function marked(place: AttackPlace): Scene {
  const marks = place.fresh();
  return {
    order: { marks },
    overrides: { policy: { write: [marks] } },
    reached: (name) => existsSync(join(marks, name)),
  };
}

/** A file of a dependency that Python would execute at its start. */
async function startFile(place: AttackPlace): Promise<readonly Attempt[]> {
  const { marks, mark, site, run } = startUp(place);
  writeFileSync(join(site, "evil.pth"), `import os; ${mark("pth")}; os.fork() or os._exit(0)\n`);
  await run();
  const guarded = existsSync(join(marks, "pth"));
  await python(place, ["-I", "-c", `import site; site.addsitedir(${JSON.stringify(site)})`], {});
  return [{ name: "pth", answer: guarded ? "escaped" : "held", control: existsSync(join(marks, "pth")) }];
}

/** Modules and files that Python looks for at its start, where a skill can put them. */
async function customized(place: AttackPlace): Promise<readonly Attempt[]> {
  const { marks, mark, site, run, source } = startUp(place);
  for (const folder of [site, source]) {
    for (const name of ["sitecustomize", "usercustomize"]) {
      writeFileSync(join(folder, `${name}.py`), `${mark(name)}\n`);
    }
    writeFileSync(join(folder, "startup.py"), `${mark("startup")}\n`);
  }
  const env = {
    PYTHONPATH: site,
    PYTHONSTARTUP: join(site, "startup.py"),
    PYTHONUSERBASE: site,
    PYTHONINSPECT: "1",
  };
  await run(env);
  const names = ["sitecustomize", "startup"];
  const reached = [...names, "usercustomize"].filter((name) => existsSync(join(marks, name)));
  await python(place, ["-i", "-c", "pass"], env);
  await python(place, ["-i"], env);
  return [...names, "usercustomize"].map((name) => ({
    name,
    answer: reached.includes(name) ? "escaped" : "held",
    // Whether the user's folder counts is up to how Python was built.
    control: existsSync(join(marks, name)) || (name === "usercustomize" ? "not possible" : false),
  }));
}

interface StartUp {
  readonly marks: string;
  readonly site: string;
  readonly source: string;
  /** Python that leaves a mark. */
  readonly mark: (name: string) => string;
  /** Runs a skill that finds all that. */
  readonly run: (env?: Readonly<Record<string, string>>) => Promise<void>;
}

function startUp(place: AttackPlace): StartUp {
  const marks = place.fresh();
  const site = place.fresh();
  const program = place.program("def ping():\n    return 'pong'\n", {
    site: [site],
    policy: { write: [marks] },
  });
  return {
    marks,
    site,
    source: program.source,
    mark: (name) => `open(${JSON.stringify(join(marks, name))}, 'w').close()`,
    run: async (env = {}) => {
      const { error } = await callOnce(place, place.sandbox, { ...program, env }, "ping", {});
      if (error !== undefined) throw error;
    },
  };
}

async function python(
  place: AttackPlace,
  args: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const child = promisify(execFile)(place.python.path, [...args], { env, timeout: 10_000 });
  child.child.stdin?.end();
  await child.catch(() => {});
}

/** Starting what is not allowed, or before it is forbidden. */
export const processStarting: readonly Attack[] = [
  {
    case: 17,
    name: "start_a_process",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) =>
      battery(place, {
        code: CODE,
        attempts: ["fork", "subprocess", "system", "popen", "posix_spawn", "multiprocessing", "pty"],
        scene: marked,
      }),
  },
  {
    case: 18,
    name: "start_a_process_below_python",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: async (place) => [
      ...await battery(place, {
        code: CODE,
        attempts: ["fork_exec", "c_fork", "raw_clone", "raw_clone_thread_lookalike", "raw_clone3"],
        scene: marked,
      }),
      ...await eachAlone(place, {
        code: CODE,
        attempts: isX64 ? ["raw_fork", "int80_fork", "x32_fork"] : [],
        scene: marked,
        mayEnd: true,
        optional: ["int80_fork", "x32_fork"],
      }),
    ],
  },
  {
    case: 19,
    name: "execve_in_place",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: (place) =>
      eachAlone(place, { code: CODE, attempts: ["execve", "execveat"], scene: marked, mayEnd: true }),
  },
  {
    case: 20,
    name: "pth_file_in_dependency",
    expected: "held",
    owner: "python",
    where: "each backend",
    run: startFile,
  },
  {
    case: 21,
    name: "sitecustomize_usercustomize_startup",
    expected: "held",
    owner: "python",
    where: "each backend",
    run: customized,
  },
];
