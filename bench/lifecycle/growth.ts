import { type Home, openHome, type OpenHomeOptions } from "../../src/lifecycle/home/home.ts";
import { installSource } from "../../src/lifecycle/changes/install.ts";
import { Projector } from "../../src/lifecycle/projections/projector.ts";
import { activateSkill, disableSkill } from "../../src/lifecycle/changes/status-changes.ts";
import { uninstallSkill } from "../../src/lifecycle/changes/uninstall.ts";
import { openSkills, type Skills } from "../../src/skills.ts";
import { measureStarts, type Times } from "../runner/measure.ts";

/** A skill that both homes hold. */
const ONE = "skill_00000";

/** A small home and a large one, by their folders. */
export interface Homes {
  readonly few: string;
  readonly many: string;
}

/** What has been done, and how it is undone. */
type Undo = () => Promise<unknown>;

/**
 * Sets a large home beside a small one. Reading starts with nothing open: `list` and `info` hold the opening, as a
 * command has to wait for it. Changes are made to a home that is open; `fresh` is a package that is not installed.
 */
export async function growth(
  { few, many }: Homes,
  fresh: string,
  parts: Omit<OpenHomeOptions, "dir">,
  rounds = 15,
): Promise<Record<string, number>> {
  const reading = (read: (skills: Skills) => Promise<unknown>) => {
    const started = async (dir: string): Promise<Undo> => {
      const skills = await openSkills({ dir });
      await read(skills);
      return () => skills.close();
    };
    return measureStarts({ few: () => started(few), many: () => started(many) }, rounds);
  };
  const read = {
    ...figures("open", await reading(() => Promise.resolve())),
    ...figures("list", await reading((skills) => skills.list())),
    ...figures("info", await reading((skills) => skills.library.info(ONE))),
  };
  const open = { few: await openHome({ dir: few, ...parts }), many: await openHome({ dir: many, ...parts }) };
  try {
    return { ...read, ...await changes(open, fresh, rounds) };
  } finally {
    for (const home of Object.values(open)) {
      await home.projector.bringUp();
      await home.history.close();
      await home.db.close();
    }
  }
}

async function changes(
  { few, many }: Readonly<Record<keyof Homes, Home>>,
  fresh: string,
  rounds: number,
): Promise<Record<string, number>> {
  const changing = (change: (home: Home) => Promise<Undo>, of = (home: Home): Home => home) => {
    const [small, large] = [of(few), of(many)];
    return measureStarts({ few: () => change(small), many: () => change(large) }, rounds);
  };
  for (const home of [few, many]) await disableSkill(home, ONE);
  return {
    ...figures("install", await changing((home) => install(home, fresh))),
    ...figures("activate", await changing(activate)),
    ...figures("activate_commit", await changing(activate, withoutFiles)),
  };
}

async function install(home: Home, source: string): Promise<Undo> {
  const { id } = await installSource(home, source);
  return () => uninstallSkill(home, id);
}

async function activate(home: Home): Promise<Undo> {
  await activateSkill(home, ONE);
  return () => disableSkill(home, ONE);
}

/** The same home, in which a change ends with its transaction. */
function withoutFiles(home: Home): Home {
  const { layout, db, view } = home;
  return { ...home, projector: new NoFiles(layout, db, view) };
}

class NoFiles extends Projector {
  override bringUp(): Promise<[]> {
    return Promise.resolve([]);
  }
}

function figures(name: string, { few, many }: Times<keyof Homes>): Record<string, number> {
  return { [`${name}_100_ms`]: few, [`${name}_10k_ms`]: many, [`${name}_10k_vs_100`]: many / few };
}
