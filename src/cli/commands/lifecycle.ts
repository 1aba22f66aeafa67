import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { counted } from "../../base/counted.ts";
import { SkillError } from "../../base/errors.ts";
import * as operations from "../../operations/lifecycle.ts";
import { installLocked, lock } from "../../operations/lock.ts";
import { pack } from "../../operations/pack.ts";
import { createPackage } from "../../operations/new.ts";
import { perform } from "../../operations/perform.ts";
import type { Operation, OperationContext } from "../../operations/types.ts";
import { homeLayout } from "../../lifecycle/storage/home-layout.ts";
import type { SkillInfo } from "../../lifecycle/types.ts";
import { trustHome } from "../../lifecycle/storage/trust.ts";
import { plainText } from "../../base/plain-text.ts";
import { confirmOnTerminal } from "../ask.ts";
import type { Command } from "../command.ts";
import { withSecretsAskedFor } from "./secrets.ts";
import { showFindings, showSkill, showTests } from "../show.ts";
import { showPermissions } from "../show-tools.ts";
import type { Terminal } from "../terminal.ts";

const ID = [["<id>", "the skill's id"]] as const;

export const newCommand: Command = {
  name: "new",
  summary: "write a package to start from",
  args: [["<dir>", "a new folder; its name becomes the id"]],
  options: [["--id <id>", "another id"], ["--description <text>", "what the skill does"]],
  examples: ["skillwright new ./word_count --description 'Counts words'"],
  async run({ open, hint }, [dir], { id, description }) {
    const made = await perform(createPackage, await open(), { dir, id, description });
    const next =
      `skillwright validate ${dir}\nskillwright install ${dir} --test\nskillwright activate ${made.id}`;
    return {
      document: made,
      text: `wrote ${made.files.join(", ")} in ${made.package_dir}\nnext:\n${hint(next)}`,
    };
  },
};

export const validateCommand: Command = {
  name: "validate",
  summary: "check a package without installing it, or that an installed skill is as it was installed",
  args: [[
    "<dir>",
    "a package folder, or one script with its manifest inside; else the id of an installed skill",
  ]],
  options: [],
  examples: ["skillwright validate ./word_count", "skillwright validate word_count"],
  async run({ terminal, open }, [dir = "."]) {
    const context = await open();
    const installed = await isInstalled(context, dir);
    const report = installed
      ? await perform(operations.verify, context, { id: dir })
      : await perform(operations.validate, context, { package_dir: resolve(dir) });
    const [good, bad] = installed
      ? ["as it was installed", "not as it was installed"]
      : ["valid", "not valid"];
    const verdict = report.ok ? terminal.style("green", good) : terminal.style("red", bad);
    return {
      document: report,
      text: [verdict, showFindings(terminal, report.findings)].join("\n").trim(),
      ok: report.ok,
    };
  },
};

/** A path goes before an id. */
async function isInstalled({ skills }: OperationContext, name: string): Promise<boolean> {
  if (await stat(resolve(name)).then(() => true, () => false)) return false;
  return await skills.library.info(name).then(() => true, () => false);
}

export const packCommand: Command = {
  name: "pack",
  summary: "pack a package folder into one .tar.gz that can be installed",
  args: [["<dir>", "the package folder, or one script with its manifest inside"]],
  options: [["--out <file>", "default: <id>-<version>.tar.gz here"]],
  examples: ["skillwright pack ./word_count", "skillwright pack ./word_count --out /tmp/word_count.tar.gz"],
  async run({ open }, [dir = "."], { out }) {
    const packed = await perform(pack, await open(), { package_dir: resolve(dir), out });
    return { document: packed, text: `wrote ${packed.file} (${packed.size} bytes)` };
  },
};

export const installCommand: Command = {
  name: "install",
  summary: "install a package as a candidate, after what it needs of the home; what serves goes on serving",
  args: [[
    "[source]",
    "a folder, a script, an id of the home, an archive, or git+<url>[@ref][#folder]; with --frozen: all of skills.lock",
  ]],
  options: [
    ["--test", "run its tests as well; 1 when they fail"],
    ["--frozen", "nothing but what skills.lock says, byte for byte"],
    ["--activate", "with --frozen and no source: let those serve that served when it was locked"],
    ["--offline", "ask no network: Python packages come from the cache"],
  ],
  examples: [
    "skillwright install ./word_count --test",
    "skillwright install word_count-0.1.0.tar.gz",
    "skillwright install git+https://example.org/skills.git@v1#word_count",
    "skillwright install --frozen --offline --activate",
  ],
  async run({ terminal, open, hint }, [source], { test, frozen, activate: serve, offline }) {
    const whole = frozen === true && source === undefined;
    if (source === undefined && !whole) {
      throw wrongInstall("what is to be installed is missing", "name a source");
    }
    if (whole && test === true) throw wrongInstall("--test is for one source", "test them one by one");
    if (!whole && serve === true) {
      throw wrongInstall(
        "--activate is for the whole skills.lock",
        "leave it out, and activate the skill by its id",
      );
    }
    const how = { frozen: frozen === true, offline: offline === true };
    const context = await open();
    if (whole) {
      const done = await perform(installLocked, context, { activate: serve === true, offline: how.offline });
      return { document: done, text: done.skills.map((one) => showSkill(terminal, one)).join("\n") };
    }
    const installed = await perform(operations.install, context, { package_dir: source, ...how });
    const { skill_info, dependencies } = installed;
    const first = dependencies.map((needed) => `${showSkill(terminal, needed)}\n`).join("");
    const next = skill_info.candidate === null
      ? ""
      : `\nnext: ${hint(`skillwright activate ${skill_info.id}`)}`;
    if (test !== true) {
      return { document: installed, text: `${first}${showInstalled(terminal, skill_info)}${next}` };
    }
    const tested = await perform(operations.test, context, { id: skill_info.id });
    const { passed } = tested.report;
    const text = `${first}${showTests(terminal, tested.report)}\n${
      showInstalled(terminal, tested.skill_info)
    }${passed ? next : ""}`;
    return { document: { ...tested, dependencies }, text, ok: passed };
  },
};

/** A skill with what it asks for: a person decides by it whether it is to serve. */
function showInstalled(terminal: Terminal, skill: SkillInfo): string {
  return [showSkill(terminal, skill), ...showPermissions(skill)].join("\n");
}

function wrongInstall(message: string, fix: string): SkillError {
  return new SkillError("invalid_input", message, { fix });
}

export const lockCommand: Command = {
  name: "lock",
  summary: "write skills.lock into the home: what serves, with digests, needs and Python packages",
  args: [],
  options: [],
  examples: ["skillwright lock", "skillwright lock --dir ./.skills"],
  async run({ open }) {
    const context = await open();
    const written = await perform(lock, context, {});
    const count = Object.keys(written.skills).length;
    const file = join(context.skills.library.dir, "skills.lock");
    return { document: written, text: `locked ${counted(count, "skill")} in ${file}` };
  },
};

export const testCommand: Command = {
  name: "test",
  summary: "run a skill's tests in its own environment",
  args: ID,
  options: [],
  examples: ["skillwright test word_count"],
  async run({ terminal, open }, [id]) {
    const answer = await perform(operations.test, await open(), { id });
    return { document: answer, text: showTests(terminal, answer.report), ok: answer.report.passed };
  },
};

export const setupCommand: Command = {
  name: "setup",
  summary: "ask for a skill's missing secrets and run its setup tool, after activation",
  args: ID,
  options: [],
  examples: ["skillwright setup weather_skill"],
  async run(io, [id]) {
    const context = await io.open();
    const done = await withSecretsAskedFor(io, () => perform(operations.setup, context, { id }));
    const kept = Object.keys(done.env ?? {});
    const lines = [`${done.skill_id} is set up`, ...kept.map((name) => `  keeps ${name}`)];
    if (done.logs !== "") lines.push(io.terminal.style("dim", plainText(done.logs.trimEnd())));
    return { document: done, text: lines.join("\n") };
  },
};

export const uninstallCommand: Command = {
  name: "uninstall",
  summary: "remove a skill with all its versions, data and secrets",
  args: ID,
  options: [["--keep-data", "keep its data and secrets for a later installation"], [
    "--yes",
    "without asking",
  ]],
  examples: ["skillwright uninstall word_count", "skillwright uninstall word_count --keep-data --yes"],
  async run(io, [id = ""], { keepData, yes }) {
    const context = await io.open();
    const { name } = await context.skills.library.info(id);
    const what = keepData === true ? "all its versions" : "all its versions, data and secrets";
    if (yes !== true) await confirmOnTerminal(io, `Remove ${plainText(name)} (${id}) with ${what}?`);
    const gone = await perform(operations.uninstall, context, { id, keep_data: keepData === true });
    const kept = gone.kept_data ? ", its data and secrets are kept" : "";
    return { document: gone, text: `removed ${gone.skill_id} ${gone.versions.join(", ")}${kept}` };
  },
};

export const trustCommand: Command = {
  name: "trust",
  summary: "trust a home that somebody else made, with all its skills and settings",
  args: [["<dir>", "the home"]],
  options: [],
  examples: ["skillwright trust ./.skills"],
  async run(_io, [dir = "."]) {
    const path = resolve(dir);
    const isHome = await stat(homeLayout(path).db).then((entry) => entry.isFile(), () => false);
    if (!isHome) {
      throw new SkillError("not_found", `there is no home at "${path}"`, {
        fix: "name the folder that holds .state/home.db",
      });
    }
    await trustHome(path);
    return { document: { trusted: path }, text: `${path} is trusted from now on` };
  },
};

export const activateCommand: Command = changeCommand(
  "activate",
  "let the candidate serve calls",
  operations.activate,
);
export const rollbackCommand: Command = changeCommand(
  "rollback",
  "go back to what served before",
  operations.rollback,
);
export const enableCommand: Command = changeCommand(
  "enable",
  "let a disabled skill serve again",
  operations.activate,
);
export const disableCommand: Command = {
  ...changeCommand("disable", "take a skill out of service", operations.disable),
  async run({ terminal, open }, [id]) {
    const answer = await perform(operations.disable, await open(), { id });
    const text = [showSkill(terminal, answer.skill_info), showFindings(terminal, answer.findings)];
    return { document: answer, text: text.join("\n").trim() };
  },
};

export const quarantineCommand: Command = {
  ...changeCommand(
    "quarantine",
    "take a skill out of service until somebody has looked at it",
    operations.quarantine,
  ),
  options: [["--reason <text>", "why"]],
  examples: ["skillwright quarantine word_count --reason 'wrong counts'"],
};

/** A command that changes one skill, named by its id, and shows it. */
function changeCommand<Input>(
  name: string,
  summary: string,
  operation: Operation<Input, operations.SkillAnswer>,
): Command {
  return {
    name,
    summary,
    args: ID,
    options: [],
    examples: [`skillwright ${name} word_count`],
    async run({ terminal, open }, [id], { reason }) {
      const answer = await perform(operation, await open(), reason === undefined ? { id } : { id, reason });
      return { document: answer, text: showSkill(terminal, answer.skill_info) };
    },
  };
}
