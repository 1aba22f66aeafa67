import { sha256 } from "../../base/digest.ts";
import type { ScriptOutline, ScriptSyntaxError, SkillProgram } from "../types.ts";

type Outline = ScriptOutline | ScriptSyntaxError;

/** A package is validated, and again when it is built, by a process each time that would say the same. */
const MOST = 8;

/** The last outlines by interpreter and text. Failures are not kept. */
export class RecentOutlines {
  readonly #known = new Map<string, Promise<Outline>>();

  /** The outline of a text, made by `make` unless it is known or under way. */
  get(
    { interpreter }: Pick<SkillProgram, "interpreter">,
    source: string,
    make: () => Promise<Outline>,
  ): Promise<Outline> {
    const key = `${interpreter} ${sha256(source)}`;
    const outline = this.#known.get(key) ?? make();
    // Last again, so that the one that was not asked for the longest is the first to go.
    this.#known.delete(key);
    this.#known.set(key, outline);
    outline.catch(() => this.#known.delete(key));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return outline;
  }
}
