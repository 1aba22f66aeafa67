/** What is to be measured, by name. */
export type Variants<Name extends string> = Readonly<Record<Name, () => Promise<unknown>>>;

/** Milliseconds by name. */
export type Times<Name extends string> = Record<Name, number>;

export interface MeasureOptions {
  readonly rounds: number;
  /** Actions of a variant in a row, before it is the next one's turn. */
  readonly actions: number;
  /** Not timed. */
  readonly before?: () => Promise<unknown>;
}

/** Runs the variants in turns; milliseconds of the median action of each: what preempts some of them does not count. */
export async function measure<Name extends string>(
  variants: Variants<Name>,
  { rounds, actions, before }: MeasureOptions,
): Promise<Times<Name>> {
  const names = Object.keys(variants) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await before?.();
      for (let action = 0; action < actions; action++) {
        const started = performance.now();
        await variants[name]();
        times.get(name)?.push(performance.now() - started);
      }
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Times<Name>;
}

/** Starts the variants in turns; milliseconds until each stands. What a start answers ends it, untimed. */
export async function measureStarts<Name extends string>(
  variants: Readonly<Record<Name, () => Promise<() => Promise<unknown>>>>,
  rounds: number,
): Promise<Times<Name>> {
  const all: Times<Name>[] = [];
  for (let round = 0; round < rounds; round++) {
    const times: Partial<Times<Name>> = {};
    for (const name of Object.keys(variants) as Name[]) {
      const started = performance.now();
      const end = await variants[name]();
      times[name] = performance.now() - started;
      await end();
    }
    all.push(times as Times<Name>);
  }
  return mediansOf(all);
}

/** Repeats a measurement, with processes of its own each time; medians over all. */
export async function repeat<Name extends string>(
  times: number,
  once: () => Promise<Times<Name>>,
): Promise<Times<Name>> {
  const all: Times<Name>[] = [];
  for (let time = 0; time < times; time++) all.push(await once());
  return mediansOf(all);
}

function mediansOf<Name extends string>(all: readonly Times<Name>[]): Times<Name> {
  const names = Object.keys(all[0] ?? {}) as Name[];
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name]))])) as Times<Name>;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
