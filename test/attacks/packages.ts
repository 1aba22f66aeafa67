import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { Json } from "../../src/base/json.ts";
import type { SkillErrorCode } from "../../src/base/errors.ts";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import type { Environments } from "../../src/environment/types.ts";
import type { Skills } from "../../src/skills.ts";
import { romanSkill, testHome } from "../lifecycle/support/open-home.ts";
import { runChild } from "../lifecycle/support/run-child.ts";
import { runtimeArguments } from "../sandbox/support.ts";
import { pathsBelow } from "./paths-below.ts";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { endsWith, eventually, outcomeOf, succeeds, tryOne } from "./trial.ts";
import { sharedCache, withoutUv } from "./with-uv.ts";
import { writePackage } from "./write-package.ts";

type Files = Readonly<Record<string, string>>;

/** The skill of all these cases, a part of one of its files written otherwise. */
function changed(file: "manifest.toml" | "skill.py", from: string | RegExp, to: string): Files {
  const files = romanSkill();
  return { ...files, [file]: (files[file] ?? "").replace(from, () => to) };
}

type Refused = (
  name: string,
  source: string,
  codes: readonly SkillErrorCode[],
  says?: RegExp,
) => Promise<Attempt>;

/**
 * Tries packages on one home: installing each must be refused for the right reason and leave nothing. The control of
 * all is that the sound package, which they differ from, installs.
 */
async function refusals(place: AttackPlace): Promise<Refused> {
  const skills = await place.skills();
  const soundInstalls = await succeeds(async () =>
    (await place.skills()).library.install(writePackage(place))
  );
  return (name, source, codes, says = /./) =>
    tryOne({
      name,
      expected: "refused",
      act: () => skills.library.install(source),
      right: async (outcome) => {
        const text = JSON.stringify(outcome.error?.toValue());
        return endsWith(...codes)(outcome) && says.test(text) && (await skills.list()).length === 0;
      },
      escaped: ({ value }) => value !== undefined,
      control: () => soundInstalls,
    });
}

/** A home in which version 1.0.0 serves. */
async function serving(place: AttackPlace, dir = join(place.fresh(), "home")): Promise<Skills> {
  const skills = await place.skills({ dir });
  await skills.library.install(writePackage(place));
  await skills.library.activate("roman");
  return skills;
}

async function tells(skills: Skills): Promise<Json> {
  return (await skills.run("roman", {}, { tool: "tell" })).value;
}

const IDS = [
  "../x",
  "..\\\\x",
  "/tmp/x",
  "a/b",
  "",
  ".",
  "a\\u0000b",
  "a".repeat(300),
  "r\u043eman",
  "Roman",
  "CON",
  "con",
  "-x",
  "\u202eroman",
];

const idTraversal: Attack = {
  case: 62,
  name: "id_traversal",
  expected: "refused",
  owner: "manifest",
  where: "host",
  run: async (place) => {
    const refused = await refusals(place);
    const attempts: Attempt[] = [];
    for (const id of IDS) {
      const source = writePackage(place, changed("manifest.toml", 'id = "roman"', `id = "${id}"`));
      attempts.push(await refused(`installing ${JSON.stringify(id)}`, source, ["invalid_manifest"]));
    }
    const skills = await serving(place);
    const victim = place.file("victim/kept", "kept");
    const way = join(skills.library.dir, ".state/staging");
    const path = `${"../".repeat(way.split("/").length - 1)}${dirname(victim).slice(1)}`;
    const { library } = skills;
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["run", () => skills.run(path, {})],
      ["info", () => library.info(path)],
      ["files", () => library.files(path)],
      ["build", () => library.build(path)],
      ["discard", () => library.discard(path)],
      ["installStaged", () => library.installStaged(path)],
      ["activate", () => library.activate(path)],
      ["disable", () => library.disable(path)],
      ["proposal", () => library.proposal(path)],
      ["stage", () => library.stage({ ...romanSkill(), [`${path}/new`]: "x" })],
      [
        "a file for a call",
        () => skills.run("roman", { number: 4 }, { files: { [`${path}/new`]: new Uint8Array() } }),
      ],
    ];
    for (const [name, act] of calls) {
      attempts.push(
        await tryOne({
          name: `${name} with a path`,
          expected: "refused",
          act,
          // There is nothing to discard: that is no error.
          right: ({ error }) => error !== undefined || name === "discard",
          escaped: () => !existsSync(victim) || readdirSync(dirname(victim)).length !== 1,
          control: async () => await tells(skills) === "1.0.0",
        }),
      );
    }
    return attempts;
  },
};

const entryFile: Attack = {
  case: 63,
  name: "entry_file",
  expected: "refused",
  owner: "manifest",
  where: "host",
  run: async (place) => {
    const refused = await refusals(place);
    const outside = place.file("outside/skill.py", romanSkill()["skill.py"] ?? "");
    const attempts: Attempt[] = [];
    for (const entry of ["../outside/skill.py", outside, "skill.sh", ".", "", "a/../skill.py", "skill.py/"]) {
      const files = changed("manifest.toml", 'id = "roman"', `entry_file = "${entry}"\nid = "roman"`);
      attempts.push(
        await refused(JSON.stringify(entry), writePackage(place, files), ["invalid_manifest"]),
      );
    }
    const replaced = (make: (path: string) => void): string => {
      const source = writePackage(place);
      rmSync(join(source, "skill.py"));
      make(join(source, "skill.py"));
      return source;
    };
    const codes: readonly SkillErrorCode[] = [
      "invalid_script",
      "invalid_package",
      "not_found",
      "validation_failed",
    ];
    const kinds: readonly (readonly [string, (path: string) => void])[] = [
      ["a link", (path) => symlinkSync(outside, path)],
      ["a folder", (path) => mkdirSync(path)],
      ["a FIFO", (path) => execFileSync("mkfifo", [path])],
      ["missing", () => {}],
      ["empty", (path) => writeFileSync(path, "")],
    ];
    for (const [name, make] of kinds) attempts.push(await refused(name, replaced(make), codes));
    return attempts;
  },
};

const archives: Attack = {
  case: 64,
  name: "archives",
  expected: "refused",
  owner: "manifest",
  where: "host",
  run: async (place) => {
    const folder = place.fresh();
    const script = fileURLToPath(new URL("fixtures/archives.py", import.meta.url));
    execFileSync(place.python.path, [script, writePackage(place), folder]);
    const install = async (name: string) => (await place.skills()).library.install(join(folder, name));
    const sound = await succeeds(() => install("sound.zip")) && await succeeds(() => install("sound.tar.gz"));
    const outside = () =>
      existsSync("/tmp/skillwright-escaped") ||
      pathsBelow(place.dir).some((path) => path.endsWith("/escaped"));
    const attempts: Attempt[] = [];
    for (const name of readdirSync(folder).filter((one) => !one.startsWith("sound"))) {
      attempts.push(
        await tryOne({
          name,
          expected: "refused",
          act: () => install(name),
          right: endsWith("invalid_package"),
          escaped: ({ value }) => value !== undefined || outside(),
          control: () => sound,
        }),
      );
    }
    return attempts;
  },
};

const hostileManifest: Attack = {
  case: 65,
  name: "hostile_manifest",
  expected: "refused",
  owner: "manifest",
  where: "host",
  run: async (place) => {
    const refused = await refusals(place);
    const limits = "[security.resource_limits]\n", permissions = "[security.permissions]\n";
    const ways: readonly (readonly [name: string, added: string, says: RegExp])[] = [
      ["no TOML", "= = =", /not valid TOML/],
      ["wrong types", "concurrent = 'yes'", /concurrent/],
      ["an unknown key", "run_as_root = true", /run_as_root/],
      ["an unknown permission", `${permissions}admin = true`, /admin/],
      ["a negative limit", `${limits}max_memory_mb = -1`, /max_memory_mb/],
      ["NaN", `${limits}max_memory_mb = nan`, /max_memory_mb/],
      ["Infinity", `${limits}max_execution_time = inf`, /max_execution_time/],
      ["zero seconds", `${limits}max_execution_time = 0`, /max_execution_time/],
      ["a limit above all limits", `${limits}max_memory_mb = 99999999999`, /max_memory_mb/],
      ["a number that is too large", `${limits}max_cpu_percent = 1e300`, /max_cpu_percent/],
      ["the whole file system", `${permissions}file_read = ["/"]`, /file_read/],
      ["a prototype", "[__proto__]\npolluted = true", /not valid TOML|__proto__|prototype/],
      ["a slow pattern of many levels", `x = ${"[".repeat(5000)}`, /not valid TOML/],
    ];
    const attempts: Attempt[] = [];
    for (const [name, added, says] of ways) {
      const files = changed("manifest.toml", "\n[[tools]]", `\n${added}\n\n[[tools]]`);
      attempts.push(
        await refused(
          name,
          writePackage(place, files),
          ["invalid_manifest", "permission_refused"],
          says,
        ),
      );
    }
    const whole: readonly (readonly [string, string, RegExp])[] = [
      ["a byte order mark", `\ufeff${romanSkill()["manifest.toml"]}`, /byte order mark/],
      ["too long", `${romanSkill()["manifest.toml"]}# ${"x".repeat(1 << 20)}`, /limit|larger/],
      ["JSON", '{"id": "roman"}', /not valid TOML/],
    ];
    for (const [name, text, says] of whole) {
      const source = writePackage(place, { ...romanSkill(), "manifest.toml": text });
      attempts.push(await refused(name, source, ["invalid_manifest", "invalid_package"], says));
    }
    return attempts;
  },
};

/** A header with these lines in the place of the sound one's dependencies. */
function header(...lines: readonly string[]): Files {
  return changed("skill.py", "# dependencies = []", lines.map((line) => `# ${line}`).join("\n"));
}

const hostileHeader: Attack = {
  case: 66,
  name: "hostile_pep723",
  expected: "refused",
  owner: "manifest",
  where: "host",
  slow: true,
  run: async (place) => {
    const refused = await refusals(place);
    const second = "# /// script\n# dependencies = []\n# ///\n\n";
    const ways: readonly (readonly [name: string, files: Files, says: RegExp])[] = [
      ["two blocks", changed("skill.py", /^/, second), /two|second|more than one/],
      ["unclosed", changed("skill.py", "# ///\n\nNUM", "\nNUM"), /clos|end/],
      ["another index", header("[[tool.uv.index]]", 'url = "http://127.0.0.1:1/simple"'), /tool\.uv/],
      [
        "sources",
        header('dependencies = ["six"]', "[tool.uv.sources]", 'six = { path = "/tmp" }'),
        /tool\.uv/,
      ],
      ["git", header('dependencies = ["six @ git+https://example.org/six"]'), /six/],
      ["a URL", header('dependencies = ["six @ https://example.org/six-1.0-py3-none-any.whl"]'), /six/],
      ["a path", header('dependencies = ["./six"]'), /six/],
      ["a file", header('dependencies = ["six @ file:///tmp/six"]'), /six/],
      ["an option", header('dependencies = ["--index-url=http://127.0.0.1:1"]'), /index-url/],
      ["an option in a line", header('dependencies = ["six\\n--pre"]'), /six/],
      ["no Python", changed("skill.py", ">=3.9", ">=3.99"), /3\.99/],
      ["a Python that is none", changed("skill.py", ">=3.9", "new"), /requires-python|new/],
    ];
    const attempts: Attempt[] = [];
    for (const [name, files, says] of ways) {
      attempts.push(
        await refused(
          name,
          writePackage(place, files),
          ["invalid_script", "validation_failed", "dependency_refused", "python_unavailable"],
          says,
        ),
      );
    }
    return attempts;
  },
};

const sourceOnly: Attack = {
  case: 67,
  name: "sdist_only_dependency",
  expected: "refused",
  owner: "environment",
  where: "host",
  slow: true,
  obstacle: withoutUv,
  run: async (place) => {
    const links = place.folder("links"), marker = join(place.dir, "ran");
    const setup = place.file("links/setup.py", `open(${JSON.stringify(marker)}, "w").close()\n`);
    const pack = "import io, tarfile; t = tarfile.open('sourceonly-1.0.tar.gz', 'w:gz')\n" +
      "t.add('setup.py', 'sourceonly-1.0/setup.py')\n" +
      "b = b'Metadata-Version: 2.1\\nName: sourceonly\\nVersion: 1.0\\n'\n" +
      "i = tarfile.TarInfo('sourceonly-1.0/PKG-INFO'); i.size = len(b); t.addfile(i, io.BytesIO(b)); t.close()";
    execFileSync(place.python.path, ["-c", pack], { cwd: links });
    const uv = await createEnvironments({ cacheDir: sharedCache() }).uv();
    const environments: Environments = createEnvironments({
      cacheDir: place.fresh(),
      uv: uv.path,
      env: { ...process.env, UV_FIND_LINKS: links },
    });
    return [
      await tryOne({
        name: "setup.py",
        expected: "refused",
        act: () =>
          environments.build(place.fresh(), { dependencies: ["sourceonly==1.0"], isolation: "venv" }),
        right: endsWith("dependency_refused"),
        escaped: ({ value }) => value !== undefined || existsSync(marker),
        control: () => {
          execFileSync(place.python.path, [setup]);
          const ran = existsSync(marker);
          rmSync(marker);
          return ran;
        },
      }),
    ];
  },
};

const races: Attack = {
  case: 71,
  name: "two_processes_install_same_id",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  slow: true,
  run: async (place) => {
    const home = testHome();
    place.defer(() => home.close());
    const library = await home.open();
    const tell = async () => (await library.run("roman", {}, { tool: "tell" })).value;
    const versions = ["1.0.0", "2.0.0"];
    const install = await tryOne({
      name: "install against install",
      expected: "held",
      act: () =>
        Promise.all(
          versions.map((version, at) => runChild(home, "install", home.write(`v${at}`, romanSkill(version)))),
        ),
      right: async ({ value }) =>
        value?.every(({ code }) => code === 0) === true &&
        (await library.generations("roman")).map(({ version }) => version).sort().join() ===
          versions.join() &&
        (await library.check()).length === 0,
      control: "not possible",
    });
    await library.activate("roman");
    const run = await tryOne({
      name: "install and activate against run",
      expected: "held",
      act: async () => {
        const update = runChild(home, "install", home.write("v3", romanSkill("3.0.0")))
          .then(() => runChild(home, "activate", "roman"));
        const told = new Set<Json>();
        const until = { done: false };
        void update.finally(() => until.done = true);
        while (!until.done) told.add(await tell());
        const { code, stderr } = await update;
        return [...told, ...(code === 0 ? [] : [stderr])];
      },
      right: async ({ value }) =>
        value?.every((version) => [...versions, "3.0.0"].some((one) => one === version)) === true &&
        await tell() === "3.0.0" && (await library.check()).length === 0,
      control: "not possible",
    });
    const disable = await tryOne({
      name: "install against disable",
      expected: "held",
      act: () =>
        Promise.all([
          runChild(home, "install", home.write("v4", romanSkill("4.0.0"))),
          runChild(home, "disable", "roman"),
        ]),
      right: async () =>
        (await library.generations("roman")).filter(({ status }) => status === "active").length === 0 &&
        (await library.check()).length === 0,
      control: "not possible",
    });
    return [install, run, disable];
  },
};

const lockHolder: Attack = {
  case: 72,
  name: "lock_holder_killed",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  run: async (place) => {
    const skills = await serving(place);
    const holder = spawn(
      process.execPath,
      [
        ...runtimeArguments(fileURLToPath(new URL("hosts/hold-lock.ts", import.meta.url))),
        join(skills.library.dir, ".state/home.db"),
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    place.defer(() => holder.kill("SIGKILL"));
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    let done = false;
    const update = outcomeOf(() => skills.library.install(writePackage(place, romanSkill("2.0.0"))))
      .finally(() => done = true);
    // What waits for the lock has staged everything.
    const waits = await eventually(() =>
      readdirSync(join(skills.library.dir, ".runtime/roman/builds")).length === 2
    );
    const held = waits && !done;
    holder.kill("SIGKILL");
    return [
      await tryOne({
        name: "killed while it holds the lock",
        expected: "held",
        act: () => update,
        right: async ({ value }) =>
          value?.error === undefined && (await skills.library.generations("roman")).length === 2 &&
          (await skills.library.check()).length === 0,
        control: () => held,
      }),
    ];
  },
};

const corruptedIndex: Attack = {
  case: 73,
  name: "corrupted_index",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  slow: true,
  run: async (place) => {
    const damages: readonly (readonly [string, string, (path: string) => void])[] = [
      ["half of the database", "home.db", (path) => truncateSync(path, statSync(path).size >> 1)],
      ["an empty database", "home.db", (path) => truncateSync(path, 0)],
      ["zeros", "home.db", (path) => writeFileSync(path, new Uint8Array(statSync(path).size))],
      ["text", "home.db", (path) => writeFileSync(path, "no database ".repeat(1000))],
      ["no database", "home.db", (path) => rmSync(path)],
      ["flipped bits", "home.db", flip],
      ["an empty list", "python_registry.json", (path) => writeFileSync(path, "")],
      [
        "a list in UTF-16",
        "python_registry.json",
        (path) => writeFileSync(path, readFileSync(path, "utf8"), "utf16le"),
      ],
      [
        "a list that lies",
        "python_registry.json",
        (path) => writeFileSync(path, '{"version": 1, "skills": []}'),
      ],
    ];
    const attempts: Attempt[] = [];
    for (const [name, file, damage] of damages) {
      const skills = await serving(place), { dir } = skills.library;
      await skills.close();
      damage(join(dir, ".state", file));
      attempts.push(
        await tryOne({
          name,
          expected: "held",
          act: async () => {
            const again = await place.skills({ dir });
            const findings = await again.library.check();
            const list = await again.list();
            await again.close();
            return { list: list.map(({ id, status }) => `${id} ${status}`), findings: findings.length };
          },
          right: ({ value, error }) =>
            error === undefined ? value.list.join() === "roman active" : error.code === "home_unusable",
          escaped: ({ value }) => value?.list.length === 0,
          control: async () => {
            const sound = await serving(place);
            await sound.close();
            const again = await place.skills({ dir: sound.library.dir });
            return (await again.list()).length === 1;
          },
        }),
      );
    }
    return attempts;
  },
};

/** Flips a bit in every page. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  for (let at = 100; at < bytes.length; at += 512) bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
  writeFileSync(path, bytes);
}

/** Embeds by letters, so that a search by meaning answers something. */
const LETTERS: EmbeddingsInterface = {
  embedQuery: (text) => Promise.resolve("abcdefgh".split("").map((letter) => 1 + text.split(letter).length)),
  embedDocuments: (texts) => Promise.all(texts.map((text) => LETTERS.embedQuery(text))),
};

const corruptedVectors: Attack = {
  case: 74,
  name: "corrupted_vector_index",
  expected: "held",
  owner: "discovery",
  where: "host",
  slow: true,
  run: async (place) => {
    const embeddings = { model: LETTERS, id: "letters" };
    const best = async (skills: Skills) => (await skills.search("integer to roman numeral"))[0]?.id;
    const damages: readonly (readonly [string, (path: string) => void])[] = [
      ["half", (path) => truncateSync(path, statSync(path).size >> 1)],
      ["empty", (path) => truncateSync(path, 0)],
      ["text", (path) => writeFileSync(path, "<html>")],
      ["flipped", flip],
      ["gone", (path) => rmSync(path)],
    ];
    const attempts: Attempt[] = [];
    for (const [name, damage] of damages) {
      const dir = join(place.fresh(), "home");
      await (await serving(place, dir)).close();
      const first = await place.skills({ dir, embeddings });
      const before = await best(first);
      await first.close();
      const files = indexFiles(dir);
      for (const path of files) damage(path);
      attempts.push(
        await tryOne({
          name,
          expected: "held",
          act: async () => best(await place.skills({ dir, embeddings })),
          right: ({ value }) => value === "roman",
          escaped: ({ value }) => value === undefined,
          control: () => before === "roman" && files.length > 0,
        }),
      );
    }
    return attempts;
  },
};

function indexFiles(dir: string): string[] {
  const entries = readdirSync(join(dir, ".index"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

const tampered: Attack = {
  case: 75,
  name: "hash_mismatch_on_disk",
  expected: "refused",
  owner: "lifecycle",
  where: "host",
  run: async (place) => {
    const marker = join(place.dir, "evil");
    const ways: readonly (readonly [string, (build: string) => void])[] = [
      [
        "a changed script",
        (build) => append(join(build, "src/skill.py"), `\nopen(${JSON.stringify(marker)}, "w")\n`),
      ],
      ["a module more", (build) => writeFileSync(join(build, "src/typing.py"), "raise SystemExit")],
      ["a file less", (build) => rmSync(join(build, "src/manifest.toml"))],
      ["a link", (build) => {
        const path = join(build, "src/skill.py");
        const copy = place.file("copy.py", readFileSync(path));
        rmSync(path);
        symlinkSync(copy, path);
      }],
    ];
    const attempts: Attempt[] = [];
    for (const [name, tamper] of ways) {
      const skills = await serving(place), { dir } = skills.library;
      const control = await tells(skills) === "1.0.0";
      await skills.close();
      const builds = join(dir, ".runtime/roman/builds"), build = join(builds, readdirSync(builds)[0] ?? "");
      for (const folder of [build, join(build, "src")]) chmodSync(folder, 0o755);
      tamper(build);
      const again = await place.skills({ dir });
      attempts.push(
        await tryOne({
          name,
          expected: "refused",
          act: () => tells(again),
          right: endsWith("tampered"),
          escaped: ({ value }) => value !== undefined || existsSync(marker),
          control: () => control,
        }),
      );
    }
    return attempts;
  },
};

function append(path: string, text: string): void {
  overwrite(path, readFileSync(path, "utf8") + text);
}

function overwrite(path: string, text: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, text);
}

const downgrade: Attack = {
  case: 76,
  name: "downgrade_or_replay",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  run: async (place) => {
    const skills = await place.skills(), { library } = skills;
    const [old, recent] = ["1.0.0", "2.0.0"].map((version) => writePackage(place, romanSkill(version)));
    await library.install(old ?? "");
    await library.activate("roman");
    await library.install(recent ?? "");
    await library.activate("roman");
    const serves = async () => await tells(skills) === "2.0.0";
    return [
      await tryOne({
        name: "an old package, installed again",
        expected: "held",
        act: () => library.install(old ?? ""),
        right: serves,
        escaped: async () => !await serves(),
        control: async () => {
          const other = await place.skills();
          await other.library.install(old ?? "");
          await other.library.activate("roman");
          return await tells(other) === "1.0.0";
        },
      }),
      await tryOne({
        name: "an old slot marker",
        expected: "held",
        act: async () => {
          writeFileSync(join(library.dir, ".runtime/roman/active"), "1.0.0\n");
          return await tells(skills);
        },
        right: ({ value }) => value === "2.0.0",
        escaped: ({ value }) => value === "1.0.0",
        control: "not possible",
      }),
      await tryOne({
        name: "an old resolved manifest, with more permissions",
        expected: "held",
        act: async () => {
          const [serving] = (await library.generations("roman")).filter(({ status }) => status === "active");
          const path = join(
            library.dir,
            ".runtime/roman/builds",
            serving?.build ?? "",
            "resolved.manifest.json",
          );
          const text = readFileSync(path, "utf8").replace(/"process_spawn": ?false/, '"process_spawn": true');
          chmodSync(dirname(path), 0o755);
          overwrite(path, text);
          const again = await place.skills({ dir: library.dir });
          return [
            text.includes('"process_spawn": true'),
            (await again.library.explain("roman")).policy.spawn,
          ];
        },
        right: ({ value, error }) => error !== undefined || value.join() === "true,false",
        escaped: ({ value }) => value?.[1] === true,
        control: "not possible",
      }),
    ];
  },
};

const oddHomes: Attack = {
  case: 77,
  name: "odd_store",
  expected: "refused",
  owner: "lifecycle",
  where: "host",
  run: async (place) => {
    const made = async () => {
      const skills = await serving(place);
      await skills.close();
      return skills.library.dir;
    };
    const attempt = async (name: string, make: (dir: string) => string | void): Promise<Attempt> => {
      const dir = await made();
      const control = await succeeds(async () => (await place.skills({ dir })).close());
      const path = make(dir) ?? dir;
      return await tryOne({
        name,
        expected: "refused",
        act: async () => (await place.skills({ dir: path })).run("roman", {}, { tool: "tell" }),
        right: endsWith("home_unusable", "untrusted_home", "tampered"),
        escaped: ({ value }) => value !== undefined,
        control: () => control,
      });
    };
    return [
      await attempt("anybody may write the database", (dir) => chmodSync(join(dir, ".state/home.db"), 0o666)),
      await attempt(
        "anybody may write the folder of the database",
        (dir) => chmodSync(join(dir, ".state"), 0o777),
      ),
      await attempt("the database is a link", (dir) => {
        const other = place.file("other/home.db", readFileSync(join(dir, ".state/home.db")), 0o600);
        rmSync(join(dir, ".state/home.db"));
        symlinkSync(other, join(dir, ".state/home.db"));
      }),
      await attempt("a file in its place", (dir) => {
        rmSync(dir, { recursive: true });
        writeFileSync(dir, "file");
      }),
      // Root may write everywhere.
      ...(place.isRoot ? [] : [
        await attempt("it cannot be written", (dir) => {
          for (const path of [".state/home.db", ".state", ""]) chmodSync(join(dir, path), 0o500);
          place.defer(() => chmodSync(join(dir, ".state"), 0o700));
          place.defer(() => chmodSync(dir, 0o700));
        }),
      ]),
    ];
  },
};

/** What comes as a package, and what is stored of it. */
export const packages: readonly Attack[] = [
  idTraversal,
  entryFile,
  archives,
  hostileManifest,
  hostileHeader,
  sourceOnly,
  races,
  lockHolder,
  corruptedIndex,
  corruptedVectors,
  tampered,
  downgrade,
  oddHomes,
];
