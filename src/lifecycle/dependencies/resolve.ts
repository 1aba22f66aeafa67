import { satisfies } from "semver";
import { type Chain, conflict, cycle, missing, tooMany } from "./unsatisfiable.ts";

/** One version of a skill, as far as others lean on it. */
export interface Offer {
  readonly id: string;
  readonly version: string;
  /** Ranges by the id of what it needs. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Versions by the id of what it can stand for. */
  readonly provides: Readonly<Record<string, string>>;
  readonly installed: boolean;
}

/** What there is to choose from. */
export interface Supply {
  /** By the name that is asked for: what has this id or provides it, the best first. */
  readonly offers: ReadonlyMap<string, readonly Offer[]>;
  /** Installed skills whose needs must stay fulfilled. */
  readonly kept: readonly Offer[];
}

/** An offer that was chosen, and why: from the root to it. */
interface Choice {
  readonly offer: Offer;
  readonly chain: Chain;
}

/** What somebody asks for; the chain ends with the name and the range. */
interface Demand {
  readonly by: Offer;
  readonly name: string;
  readonly range: string;
  readonly chain: Chain;
}

type Chosen = ReadonlyMap<string, Choice>;

interface Search {
  readonly supply: Supply;
  steps: number;
  /** The first dead end, on the way of the best choices. */
  failure: Error | undefined;
}

/** Bounds of the search, and of how deep it goes. */
const MAX_STEPS = 10_000, MAX_DEPTH = 2000;

/**
 * Chooses one version of every skill that `root` needs, directly or not, so that all ranges are fulfilled, nothing needs
 * itself, and no installed skill loses what it needs. The best offers are taken first; if some choice does, it is found.
 *
 * @returns what was chosen in an order of installation, what is needed first, `root` last
 * @throws {SkillError} `dependency_unsatisfiable`; `details` hold `missing` with its `chain`, both `chains` of a
 *   conflict, or a `cycle`
 */
export function resolveDependencies(root: Offer, supply: Supply): readonly Offer[] {
  const search: Search = { supply, steps: 0, failure: undefined };
  const chain = [shown(root)];
  const found = choose(search, new Map([[root.id, { offer: root, chain }]]), needsOf(root, chain));
  if (found !== undefined) return found;
  throw search.failure ?? tooMany(shown(root));
}

/** The version that an offer counts as under a name; undefined when it is something else. */
export function versionAs({ id, version, provides }: Offer, name: string): string | undefined {
  if (id === name) return version;
  return Object.hasOwn(provides, name) ? provides[name] : undefined;
}

/** Whether an offer does where `name` is needed in `range`. */
export function fulfils(offer: Offer, name: string, range: string): boolean {
  const version = versionAs(offer, name);
  return version !== undefined && satisfies(version, range);
}

/** `id version`, as it stands in chains. */
export function shown({ id, version }: Offer): string {
  return `${id} ${version}`;
}

function needsOf(offer: Offer, chain: Chain): readonly Demand[] {
  return Object.entries(offer.dependencies).map(([name, range]) => ({
    by: offer,
    name,
    range,
    chain: [...chain, `${name} ${range}`],
  }));
}

/** Fulfils the demands one after the other and goes back where that leads nowhere. */
function choose(
  search: Search,
  chosen: Chosen,
  demands: readonly Demand[],
  depth = 0,
): readonly Offer[] | undefined {
  const [demand, ...later] = demands;
  if (demand === undefined) return finish(search, chosen);
  if (++search.steps > MAX_STEPS || depth > MAX_DEPTH) {
    search.failure ??= tooMany(demand.chain[0] ?? demand.name);
    return undefined;
  }
  const fitting = candidates(search.supply, chosen, demand);
  if (fitting.length === 0) search.failure ??= deadEnd(search.supply, chosen, demand);
  for (const offer of fitting) {
    const known = chosen.has(offer.id);
    const chain = [...demand.chain.slice(0, -1), shown(offer)];
    const found = choose(
      search,
      known ? chosen : new Map(chosen).set(offer.id, { offer, chain }),
      known ? later : [...later, ...needsOf(offer, chain)],
      depth + 1,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What fulfils a demand beside what was chosen: chosen ones first, they ask for nothing more. */
function candidates({ offers }: Supply, chosen: Chosen, { by, name, range }: Demand): readonly Offer[] {
  const fits = (offer: Offer): boolean => offer.id !== by.id && fulfils(offer, name, range);
  const taken = [...chosen.values()].map(({ offer }) => offer).filter(fits);
  const free = (offers.get(name) ?? []).filter((offer) => !chosen.has(offer.id) && fits(offer));
  return [...taken, ...free];
}

/** Why nothing fulfils a demand: another choice is in the way, or there is nothing. */
function deadEnd({ offers }: Supply, chosen: Chosen, { by, name, range, chain }: Demand): Error {
  const there = (offers.get(name) ?? []).filter(({ id }) => id !== by.id);
  const fitting = there.filter((offer) => fulfils(offer, name, range));
  const blocker = [...chosen.values()].find(({ offer }) =>
    offer.id !== by.id && (versionAs(offer, name) !== undefined || fitting.some(({ id }) => id === offer.id))
  );
  if (blocker !== undefined) return conflict(name, [asked(chosen, blocker, name), chain]);
  const found = there.map((offer) => versionAs(offer, name) ?? "");
  return missing({ by: shown(by), name, range, found: [...new Set(found)], chain });
}

/** The chain of a choice, ending in what was asked for where that tells more than the version that was taken. */
function asked(chosen: Chosen, { offer, chain }: Choice, name: string): Chain {
  const parent = chain.at(-2);
  const by = [...chosen.values()].find((choice) => shown(choice.offer) === parent);
  const range = by?.offer.dependencies[name];
  return range === undefined || offer.id !== name ? chain : [...chain.slice(0, -1), `${name} ${range}`];
}

/** All demands are fulfilled: is there an order, the root last, and does nobody else lose something? */
function finish(search: Search, chosen: Chosen): readonly Offer[] | undefined {
  const broken = firstBroken(search.supply, chosen);
  if (broken !== undefined) {
    search.failure ??= broken;
    return undefined;
  }
  const [root, ...others] = [...chosen.values()].map(({ offer }) => offer);
  const open = new Set(others), placed: Offer[] = [];
  const isReady = ({ dependencies }: Offer): boolean =>
    Object.entries(dependencies).every(([name, range]) => placed.some((one) => fulfils(one, name, range)));
  for (let next = others.find(isReady); next !== undefined; next = [...open].find(isReady)) {
    open.delete(next);
    placed.push(next);
  }
  if (root === undefined) return placed;
  if (open.size === 0) return [...placed, root];
  search.failure ??= cycle(circle([root, ...open]));
  return undefined;
}

/** Goes from need to need among offers that each wait for another until one comes again. */
function circle(open: readonly Offer[]): Chain {
  const path: Offer[] = [];
  let at = open[0];
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    const needs = Object.entries(at.dependencies);
    const from: Offer = at;
    at = open.find((other) => other !== from && needs.some(([name, range]) => fulfils(other, name, range)));
  }
  return [...path.slice(at === undefined ? 0 : path.indexOf(at)), ...(at === undefined ? [] : [at])].map(
    shown,
  );
}

/** An installed skill that has what it needs now and would no longer have it. */
function firstBroken({ offers, kept }: Supply, chosen: Chosen): Error | undefined {
  for (const one of kept.filter(({ id }) => !chosen.has(id))) {
    for (const [name, range] of Object.entries(one.dependencies)) {
      const does = (offer: Offer): boolean => offer.id !== one.id && fulfils(offer, name, range);
      const now = (offers.get(name) ?? []).filter((offer) => offer.installed && does(offer));
      const after = [
        ...[...chosen.values()].map(({ offer }) => offer),
        ...now.filter(({ id }) => !chosen.has(id)),
      ];
      if (now.length === 0 || after.some(does)) continue;
      const instead = [...chosen.values()].find(({ offer }) => now.some(({ id }) => id === offer.id));
      return conflict(name, [instead?.chain ?? [], [shown(one), `${name} ${range}`]]);
    }
  }
  return undefined;
}
