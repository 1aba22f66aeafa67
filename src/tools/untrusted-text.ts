/**
 * Signs that a person does not see and a model reads: control characters, signs that turn the direction of text, those
 * without width, tags. Joiners, which emoji and some scripts need, are none.
 */
const HIDDEN =
  /(?![\n\t])[\p{Cc}\p{Cs}\u00AD\u061C\u180E\u200B\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

/** JSON of something that a stranger wrote: nothing in it is hidden, and nothing in it ends it. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(HIDDEN, (sign) => sign.split("").map(escaped).join(""));
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A stranger's words for themselves in one paragraph, without what is hidden in them, at most so many characters long. */
export function plainWords(text: string, most: number): string {
  const words = text.replace(HIDDEN, "").replace(/\s+/g, " ").trim();
  return words.length <= most ? words : `${beginning(words, most)}…`;
}

/** At most so many characters: half a surrogate pair at the end would be no valid Unicode. */
export function beginning(text: string, most: number): string {
  return text.slice(0, most).replace(/[\uD800-\uDBFF]$/, "");
}

/** Absolute paths of the places where hosts keep what is theirs, and of anything inside of a home of skills. */
const HOST_PATH =
  /(?<![\w./:-])(?:file:\/\/)?\/(?:(?:home|root|Users|private|usr|opt|var|etc|srv|mnt|media|nix|proc|run|app|work|workspace)\/|[^\s"'`<>:,;()]*\/\.(?:runtime|state)\/)[^\s"'`<>:,;()]*/g;

/** The text with host paths cut to their last part: what a stranger's error tells a model about this machine. */
export function withoutHostPaths(text: string): string {
  return text.replace(HOST_PATH, (path) => `…/${path.replace(/\/+$/, "").split("/").at(-1) ?? ""}`);
}
