import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SkillError } from "../../src/base/errors.ts";
import type { SandboxBackend } from "../../src/sandbox/types.ts";
import type { Answer, Attack, AttackPlace, Attempt } from "./attack.ts";
import { callOnce, fixture, type Outcome, outcome } from "./battery.ts";
import { addSkill, writePackage } from "./skill-package.ts";

const CODE = fixture("attacker", "filesystem");

/** What a refused grant comes to, and what anything else does. */
function refusal({ result, error }: Outcome, secret: string): Pick<Attempt, "answer" | "note"> {
  if (JSON.stringify(result?.value ?? "").includes(secret)) return { answer: "escaped" };
  if (error?.code === "permission_refused") return { answer: "refused" };
  return { answer: "failed", note: error?.message ?? JSON.stringify(result?.value) };
}

/** A granted path is exchanged for a link between two runs. */
async function changedGrants(place: AttackPlace): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const [name, path, grant, swap] of changes(place)) {
    const secret = randomUUID();
    const program = place.program(CODE, { policy: { read: [grant] } });
    const read = () => callOnce(place, place.sandbox, program, "read_it", { path });
    const before = await read();
    swap(secret);
    attempts.push({
      name,
      ...refusal(await read(), secret),
      control: before.result?.value === "granted",
      ...(before.error === undefined ? {} : { note: before.error.message }),
    });
  }
  return attempts;
}

type Change = readonly [name: string, path: string, grant: string, swap: (secret: string) => void];

function changes(place: AttackPlace): readonly Change[] {
  const link = (dir: string, granted: string, linkTo: "file" | "folder") => (secret: string) => {
    const elsewhere = place.fresh();
    const victim = join(elsewhere, "file");
    writeFileSync(victim, secret);
    renameSync(join(dir, granted), join(dir, "old"));
    symlinkSync(linkTo === "file" ? victim : elsewhere, join(dir, granted));
  };
  const file = place.fresh();
  writeFileSync(join(file, "file"), "granted");
  const folder = place.fresh();
  mkdirSync(join(folder, "folder"));
  writeFileSync(join(folder, "folder/file"), "granted");
  const above = place.fresh();
  mkdirSync(join(above, "above/folder"), { recursive: true });
  writeFileSync(join(above, "above/folder/file"), "granted");
  return [
    ["file_replaced_by_link", join(file, "file"), join(file, "file"), link(file, "file", "file")],
    [
      "folder_replaced_by_link",
      join(folder, "folder/file"),
      join(folder, "folder"),
      link(folder, "folder", "folder"),
    ],
    [
      "folder_above_replaced_by_link",
      join(above, "above/folder/file"),
      join(above, "above/folder"),
      (secret) => {
        const elsewhere = place.fresh();
        mkdirSync(join(elsewhere, "folder"));
        writeFileSync(join(elsewhere, "folder/file"), secret);
        renameSync(join(above, "above"), join(above, "old"));
        symlinkSync(elsewhere, join(above, "above"));
      },
    ],
  ];
}

/** A grant below a folder that a skill writes: what it planted there must not steer the mount. */
async function plantedMountPoint(place: AttackPlace): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const prefix of ["/oldroot", ""]) {
    const dir = place.fresh();
    const victim = place.fresh();
    const writable = join(dir, "writable");
    mkdirSync(join(writable, "plain"), { recursive: true });
    writeFileSync(join(writable, "plain/file"), "granted");
    symlinkSync(prefix + victim, join(writable, "sub"));
    const grant = (path: string) =>
      callOnce(
        place,
        place.sandbox,
        place.program(CODE, { policy: { write: [writable], read: [join(writable, path)] } }),
        "list_it",
        { path: writable },
      );
    const planted = refusal(await grant("sub/new"), "never");
    attempts.push({
      name: prefix === "" ? "link_to_host" : "link_to_oldroot",
      ...planted,
      ...(existsSync(join(victim, "new")) ? { answer: "escaped" as const } : {}),
      control: (await grant("plain")).result !== undefined,
    });
  }
  return [...attempts, await otherSkillsFolder(place)];
}

/** One skill is granted a folder below what another one may write. */
async function otherSkillsFolder(place: AttackPlace): Promise<Attempt> {
  const shared = place.fresh();
  mkdirSync(join(shared, "sub"));
  writeFileSync(join(shared, "sub/file"), "granted");
  const skills = await place.skills({
    settings: { security: { max_permissions: openPermissions(shared) } },
  });
  const reader = (id: string) => ({
    id,
    code: CODE,
    tools: ["read_it"],
    permissions: `file_read = ["${shared}/sub"]`,
  });
  const path = join(shared, "sub/file");
  await addSkill(place, skills, reader("first_reader"));
  const before = await outcome(skills.run("first_reader", { path }));
  await addSkill(place, skills, {
    id: "writer",
    code: CODE,
    tools: ["list_it"],
    permissions: `file_write = ["${shared}"]`,
  });
  const after = await outcome(
    addSkill(place, skills, reader("second_reader")).then(() => skills.run("second_reader", { path })),
  );
  return {
    name: "grant_below_what_another_skill_writes",
    ...refusal(after, "never"),
    control: before.result?.value === "granted",
  };
}

function openPermissions(folder: string): {
  readonly network_access: boolean;
  readonly file_read: readonly string[];
  readonly file_write: readonly string[];
  readonly process_spawn: boolean;
} {
  return { network_access: true, file_read: [folder], file_write: [folder], process_spawn: true };
}

/** Grants of what holds everything, or belongs to the system, in a manifest. */
async function greedyGrants(place: AttackPlace): Promise<readonly Attempt[]> {
  const skills = await place.skills({ settings: { security: { max_permissions: openPermissions("/") } } });
  const plain = place.fresh();
  const socket = place.fresh();
  const install = (permissions: string) =>
    skills.library.install(
      writePackage(place, { id: "greedy", code: CODE, tools: ["read_it"], permissions }),
    );
  const asked: readonly [string, string][] = [
    ["read_root", 'file_read = ["/"]'],
    ["read_root_in_disguise", 'file_read = ["/usr/.."]'],
    ["read_home", 'file_read = ["~"]'],
    ["read_home_by_path", `file_read = ["${homedir()}"]`],
    ["read_above_home", `file_read = ["${join(homedir(), "..")}/"]`],
    ["read_store", `file_read = ["${skills.library.dir}"]`],
    ["read_in_store", `file_read = ["${skills.library.dir}/.state"]`],
    ["read_above_store", `file_read = ["${join(skills.library.dir, "..")}"]`],
    ["read_proc", 'file_read = ["/proc"]'],
    ["read_run", 'file_read = ["/run"]'],
    ["read_devices", 'file_read = ["/dev/shm"]'],
    ["write_root", 'file_write = ["/"]'],
    ["write_etc", 'file_write = ["/etc"]'],
    ["write_package", 'file_write = ["./"]'],
    ["leave_package", 'file_read = ["./../other"]'],
    ["line_break", 'file_read = ["/tmp\\u0000/x"]'],
  ];
  const accepted = await install(`file_read = ["${plain}"]\nfile_write = ["${socket}"]`)
    .then(() => "", String);
  const attempts: Attempt[] = [];
  for (const [name, permissions] of asked) {
    const answer = await install(permissions).then(() => "escaped" as const, refusedAt);
    attempts.push({
      name,
      ...(typeof answer === "string" ? { answer } : answer),
      control: accepted === "",
      ...(accepted === "" ? {} : { note: accepted }),
    });
  }
  return attempts;
}

function refusedAt(error: unknown): { readonly answer: Answer | "failed"; readonly note?: string } {
  const known = SkillError.isInstance(error);
  const findings = known ? JSON.stringify(error.details ?? {}) : "";
  const refused = known &&
    (error.code === "permission_refused" || error.code === "invalid_manifest" ||
      findings.includes("permission"));
  return refused ? { answer: "refused" } : { answer: "failed", note: String(error) };
}

/** The entry file is exchanged: before the check, and between the check and the start. */
async function tamperedEntry(place: AttackPlace): Promise<readonly Attempt[]> {
  return [
    await tampered(place, "before_the_check", (swap) => ({ sandbox: place.sandbox, before: swap })),
    await tampered(place, "after_the_check", (swap) => ({ sandbox: whenPlanning(place.sandbox, swap) })),
    await tampered(
      place,
      "module_after_the_check",
      (swap) => ({ sandbox: whenPlanning(place.sandbox, swap) }),
      "helper.py",
    ),
  ];
}

/** A sandbox that does something just before each start. */
function whenPlanning(sandbox: SandboxBackend, action: () => void): SandboxBackend {
  return {
    get name() {
      return sandbox.name;
    },
    probe: () => sandbox.probe(),
    plan: (policy, program) => {
      action();
      return sandbox.plan(policy, program);
    },
    spawn: (plan) => sandbox.spawn(plan),
  };
}

async function tampered(
  place: AttackPlace,
  name: string,
  prepare: (swap: () => void) => { readonly sandbox: SandboxBackend; readonly before?: () => void },
  file = "skill.py",
): Promise<Attempt> {
  let armed: (() => void) | undefined;
  const { sandbox, before } = prepare(() => armed?.());
  const skills = await place.skills({ sandbox });
  const folder = writePackage(place, {
    id: "honest",
    code: "import helper\n\n\ndef tell():\n    return 'old' + helper.word()\n",
    tools: ["tell"],
  });
  writeFileSync(join(folder, "helper.py"), "def word():\n    return ' old'\n");
  await skills.library.install(folder);
  await skills.library.activate("honest");
  const tell = () => outcome(skills.run("honest", {}));
  const honest = await tell();
  const [generation] = await skills.library.generations("honest");
  const source = join(skills.library.dir, ".runtime/honest/builds", generation?.build ?? "", "src");
  const fresh = file === "skill.py"
    ? "import helper\n\n\ndef tell():\n    return 'NEW'\n"
    : "def word():\n    return ' NEW'\n";
  armed = () => {
    rmSync(join(source, file));
    writeFileSync(join(source, file), fresh);
  };
  before?.();
  const { result, error } = await tell();
  const told = JSON.stringify(result?.value ?? "");
  return {
    name,
    answer: told.includes("NEW") ? "escaped" : error === undefined ? "failed" : "refused",
    control: honest.result?.value === "old old",
    ...(error?.code === "tampered" ? {} : { note: `${told}${error?.message ?? ""}` }),
  };
}

/** Grants that are not what they were, or more than anybody should get. */
export const filesystemGrants: readonly Attack[] = [
  {
    case: 4,
    name: "ro_bind_src_is_symlink",
    expected: "refused",
    owner: "sandbox",
    where: "each backend",
    run: changedGrants,
  },
  {
    case: 5,
    name: "mountpoint_through_planted_symlink",
    expected: "refused",
    owner: "sandbox",
    where: "each backend",
    run: plantedMountPoint,
  },
  {
    case: 10,
    name: "tamper_between_verify_and_spawn",
    expected: "refused",
    owner: "lifecycle",
    where: "each backend",
    run: tamperedEntry,
  },
  {
    case: 16,
    name: "grant_root_or_home",
    expected: "refused",
    owner: "manifest",
    where: "host",
    run: greedyGrants,
  },
];
