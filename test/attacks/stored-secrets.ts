import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { secretKeyPath } from "../../src/lifecycle/secrets/secret-key.ts";
import type { Skills } from "../../src/skills.ts";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { endsWith, tryOne } from "./trial.ts";
import { writePackage } from "./write-package.ts";

const VALUE = "s3cr3t-at-rest-0123456789", OTHER = "an0ther-at-rest-9876543210";
const HEADER = "# /// script\n# dependencies = []\n# ///\n";

/** Two skills, each with a secret of its own, in a home of a user who has no other. */
async function keyed(place: AttackPlace): Promise<{ readonly skills: Skills; readonly user: string }> {
  const user = ownUser(place);
  const skills = await place.skills();
  for (const [id, value] of [["one", VALUE], ["two", OTHER]] as const) {
    await skills.library.install(writePackage(place, {
      "manifest.toml": `id = "${id}"
name = "${id}"
version = "1.0.0"
description = "Tells how long its key is"
mode = "one_shot"
[[credentials]]
name = "API_KEY"
description = "A key"
`,
      "skill.py": `${HEADER}import os\n\n\ndef invoke():\n    return len(os.environ["API_KEY"])\n`,
    }));
    await skills.library.activate(id);
    await skills.library.secrets.set({ skill: id, name: "API_KEY", value });
  }
  return { skills, user };
}

/** A folder for the settings of a user, which counts until the place is thrown away. */
function ownUser(place: AttackPlace): string {
  const before = process.env["XDG_CONFIG_HOME"], user = place.fresh();
  process.env["XDG_CONFIG_HOME"] = user;
  place.defer(() => {
    if (before === undefined) delete process.env["XDG_CONFIG_HOME"];
    else process.env["XDG_CONFIG_HOME"] = before;
  });
  return user;
}

/** Whether the stored secret is given away whole, as it is where nothing is damaged. */
function gives(skills: Skills): boolean {
  return skills.library.secrets.export({ skill: "one", show: true }).skills["one"]?.["API_KEY"] === VALUE;
}

/** Whether a text stands anywhere below a folder. In a process of its own: opening `home.db` here would release its lock. */
function stands(text: string, folder: string): boolean {
  return spawnSync("grep", ["-rqF", text, folder]).status === 0;
}

type Damage = (key: string, place: AttackPlace) => void;

const KEYS: Readonly<Record<string, Damage>> = {
  "another key": (key) => writeFileSync(key, `${"A".repeat(43)}=\n`),
  "a flipped bit in the key": (key) => {
    const text = readFileSync(key, "latin1");
    writeFileSync(key, (text.startsWith("A") ? "B" : "A") + text.slice(1));
  },
  "half a key": (key) => truncateSync(key, statSync(key).size >> 1),
  "an empty key": (key) => truncateSync(key, 0),
  "no key": (key) => rmSync(key),
  "a key that others may read": (key) => chmodSync(key, 0o644),
  "a key behind a link": (key, place) => {
    const elsewhere = join(place.fresh(), "key");
    renameSync(key, elsewhere);
    symlinkSync(elsewhere, key);
  },
  "a folder in its place": (key) => {
    rmSync(key);
    mkdirSync(key);
  },
  "a pipe in its place": (key) => {
    rmSync(key);
    spawnSync("mkfifo", ["-m", "600", key]);
  },
};

type Change = (sealed: string, other: string) => string;

const RECORDS: Readonly<Record<string, Change>> = {
  "swapped records": (_sealed, other) => other,
  "a flipped bit": (sealed) => sealed.slice(0, -8) + (sealed.at(-8) === "A" ? "B" : "A") + sealed.slice(-7),
  "half a record": (sealed) => sealed.slice(0, sealed.length >> 1),
  "an empty record": () => "",
  "plain text": () => VALUE,
};

async function damagedKeys(place: AttackPlace): Promise<readonly Attempt[]> {
  const { skills } = await keyed(place);
  const key = secretKeyPath(), text = readFileSync(key);
  return await inTurn(KEYS, async (name, damage) => {
    damage(key, place);
    const damaged = await place.skills({ dir: skills.library.dir });
    const attempt = await refusesToTell(name, damaged, () => gives(skills));
    await damaged.close();
    rmSync(key, { recursive: true, force: true });
    writeFileSync(key, text, { mode: 0o600 });
    return attempt;
  });
}

async function damagedRecords(place: AttackPlace): Promise<readonly Attempt[]> {
  const { skills } = await keyed(place);
  const db = new DatabaseSync(join(skills.library.dir, ".state/home.db"));
  place.defer(() => db.close());
  const find = db.prepare("select sealed from secrets where skill_id = ?");
  const [one, two] = ["one", "two"].map((id) => String(find.get(id)?.["sealed"]));
  const put = db.prepare("update secrets set sealed = ? where skill_id = 'one'");
  return await inTurn(RECORDS, async (name, change) => {
    const control = gives(skills);
    put.run(change(one ?? "", two ?? ""));
    const attempt = await refusesToTell(name, skills, () => control);
    put.run(one ?? "");
    return attempt;
  });
}

async function refusesToTell(name: string, skills: Skills, control: () => boolean): Promise<Attempt> {
  const tried = await tryOne({
    name,
    expected: "refused",
    act: () => skills.run("one", {}),
    right: endsWith("secrets_unusable"),
    escaped: ({ value }) => value !== undefined,
    control,
  });
  if (tried.answer !== "refused") return tried;
  return await tryOne({
    name,
    expected: "refused",
    act: () => Promise.resolve().then(() => skills.library.secrets.export({ show: true })),
    // Not a part of it either.
    right: (outcome) =>
      endsWith("secrets_unusable")(outcome) && !JSON.stringify(outcome.error).includes(VALUE.slice(0, 8)),
    escaped: ({ value }) => JSON.stringify(value ?? "").includes(VALUE.slice(0, 8)),
    control,
  });
}

async function inTurn<Item>(
  items: Readonly<Record<string, Item>>,
  action: (name: string, item: Item) => Promise<Attempt>,
): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const [name, item] of Object.entries(items)) attempts.push(await action(name, item));
  return attempts;
}

const secretsFile: Attack = {
  case: 81,
  name: "secrets_file",
  expected: "refused",
  owner: "lifecycle",
  where: "host",
  run: async (place) => [
    ...await damagedKeys(place),
    ...await damagedRecords(place),
    await copied(place),
  ],
};

/** Who takes the files takes no secret. */
async function copied(place: AttackPlace): Promise<Attempt> {
  const { skills, user } = await keyed(place);
  const stolen = place.fresh();
  await skills.close();
  for (const file of ["home.db", "secrets.json"]) {
    const from = join(skills.library.dir, ".state", file);
    if (existsSync(from)) copyFileSync(from, join(stolen, file));
  }
  const plain = join(place.fresh(), "plain");
  writeFileSync(plain, VALUE);
  return await tryOne({
    name: "the files of the home, read",
    expected: "refused",
    act: () => Promise.resolve([stolen, skills.library.dir, user].some((folder) => stands(VALUE, folder))),
    right: ({ value }) => value === false,
    escaped: ({ value }) => value === true,
    control: () => stands(VALUE, plain),
  });
}

/** No place for the key: no keyring, and no folder for the file. */
const UNAVAILABLE: Readonly<Record<string, (user: string) => void>> = {
  "a file where the settings are": (user) => writeFileSync(join(user, "skillwright"), ""),
  "a folder where the key is": (user) =>
    mkdirSync(join(user, "skillwright", "secrets.key"), { recursive: true }),
  "a broken link where the key is": (user) => {
    mkdirSync(join(user, "skillwright"), { recursive: true });
    symlinkSync("/nowhere/at/all", join(user, "skillwright", "secrets.key"));
  },
};

const keyringUnavailable: Attack = {
  case: 82,
  name: "keyring_unavailable",
  expected: "refused",
  owner: "lifecycle",
  where: "host",
  run: (place) =>
    inTurn(UNAVAILABLE, async (name, spoil) => {
      const user = ownUser(place);
      const skills = await place.skills();
      rmSync(join(user, "skillwright"), { recursive: true, force: true });
      spoil(user);
      const set = (where: Skills) => where.library.secrets.set({ name: "API_KEY", value: VALUE });
      return await tryOne({
        name,
        expected: "refused",
        act: () => set(skills),
        right: (outcome) =>
          endsWith("secrets_unusable")(outcome) && skills.library.secrets.list().length === 0 &&
          !stands(VALUE, skills.library.dir) && !stands(VALUE, user),
        escaped: ({ value }) =>
          value !== undefined || stands(VALUE, skills.library.dir) || stands(VALUE, user),
        control: async () => {
          const sound = ownUser(place);
          const stored = await set(await place.skills());
          process.env["XDG_CONFIG_HOME"] = user;
          return stored.name === "API_KEY" && existsSync(join(sound, "skillwright", "secrets.key"));
        },
      });
    }),
};

/** Secrets where they are stored, and the key that they are stored with. */
export const storedSecrets: readonly Attack[] = [secretsFile, keyringUnavailable];
