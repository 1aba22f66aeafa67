import { readdir } from "node:fs/promises";
import { loadPackage } from "../../manifest/package.ts";
import { SKILL_ID } from "../../manifest/skill-id.ts";
import type { Home } from "../home/home.ts";
import { idsMentioning, installedOffers, offerOf } from "./installed.ts";
import { type Offer, type Supply, versionAs } from "./resolve.ts";
import { tooMany } from "./unsatisfiable.ts";

/** Names that are followed, and packages of the home that are read. */
const MAX_NAMES = 500, MAX_PACKAGES = 2000;

/**
 * Collects what could fulfil the needs of a skill, from need to need: what is installed, and packages that lie in the
 * home as `<home>/<id>`. A package that can't be read is no offer.
 *
 * @throws {SkillError} `dependency_unsatisfiable` when too much would have to be followed
 */
export async function gatherSupply(home: Home, root: Offer): Promise<Supply> {
  const offers = new Map<string, readonly Offer[]>();
  const kept = new Map<string, Offer>();
  const asked = new Set(Object.keys(root.dependencies));
  const notes = new Set<string>();
  const note = (id: string): void => {
    if (notes.has(id)) return;
    notes.add(id);
    for (const { one, names } of leaningOn(home, id)) {
      kept.set(`${one.id} ${one.version}`, one);
      for (const name of names) asked.add(name);
    }
  };
  note(root.id);
  const loose = asked.size === 0 ? [] : await loosePackages(home);
  for (const name of asked) {
    if (asked.size > MAX_NAMES) throw tooMany(`${root.id} ${root.version}`);
    const found = [
      ...installedFor(home, name),
      ...await updateOf(home, name),
      ...loose.filter((offer) => offer.id !== root.id && versionAs(offer, name) !== undefined),
    ];
    offers.set(name, found.toSorted((a, b) => rank(a, name) - rank(b, name)));
    for (const { id, dependencies } of found) {
      note(id);
      for (const need of Object.keys(dependencies)) asked.add(need);
    }
  }
  return { offers, kept: [...kept.values()] };
}

/** What is installed goes before what would have to be, the skill itself before who stands for it. */
function rank({ id, installed }: Offer, name: string): number {
  return (installed ? 0 : 2) + (id === name ? 0 : 1);
}

function installedFor({ view, db }: Home, name: string): readonly Offer[] {
  const ids = new Set([name, ...idsMentioning(db.sql, [name])]);
  return [...ids].map((id) => view.find(id)).filter((record) => record !== undefined).flatMap(installedOffers)
    .filter((offer) => versionAs(offer, name) !== undefined);
}

/** Installed skills that need what this one is or stands for, and those names. */
function leaningOn(
  { view, db }: Home,
  id: string,
): readonly { readonly one: Offer; readonly names: readonly string[] }[] {
  const record = view.find(id);
  if (record === undefined) return [];
  const names = new Set(
    installedOffers(record).flatMap((offer) => [offer.id, ...Object.keys(offer.provides)]),
  );
  const others = [...idsMentioning(db.sql, names)].filter((other) => other !== id).map((other) =>
    view.find(other)
  );
  return others.filter((other) => other !== undefined).flatMap(installedOffers).map((one) => ({
    one,
    names: Object.keys(one.dependencies).filter((name) => names.has(name)),
  })).filter((found) => found.names.length > 0);
}

/** Another version of an installed skill that lies in the home. What is quarantined is not installed anew by the way. */
async function updateOf({ view, layout }: Home, id: string): Promise<readonly Offer[]> {
  const record = view.find(id);
  const installed = record === undefined ? [] : installedOffers(record);
  if (installed.length === 0) return [];
  const offer = await packageAt(layout.package(id), id);
  return offer === undefined || installed.some(({ version }) => version === offer.version) ? [] : [offer];
}

/** The packages in the home that are not installed. */
async function loosePackages({ layout, view }: Home): Promise<readonly Offer[]> {
  const entries = await readdir(layout.dir, { withFileTypes: true });
  const ids = entries.filter((entry) => entry.isDirectory() && SKILL_ID.test(entry.name)).map(({ name }) =>
    name
  )
    .filter((id) => view.find(id) === undefined).sort().slice(0, MAX_PACKAGES);
  const offers: Offer[] = [];
  for (const id of ids) {
    const offer = await packageAt(layout.package(id), id);
    if (offer !== undefined) offers.push(offer);
  }
  return offers;
}

async function packageAt(path: string, id: string): Promise<Offer | undefined> {
  const found = await loadPackage(path).catch(() => undefined);
  return found?.manifest.id === id ? offerOf(found.manifest, false) : undefined;
}
