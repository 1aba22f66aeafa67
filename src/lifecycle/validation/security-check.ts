import { reachesNetwork } from "../../manifest/network-access.ts";
import type { Finding, Permissions } from "../../manifest/types.ts";
import type { ScriptOutline } from "../../runner/types.ts";

/** Findings of one rule. */
const MOST_OF_A_RULE = 5;

interface CallRule {
  readonly rule: string;
  readonly names: RegExp;
  readonly message: (name: string) => string;
  readonly fix: string;
  /** Left out when the skill has the permission. */
  readonly unless?: (permissions: Permissions) => boolean;
}

const RULES: readonly CallRule[] = [
  {
    rule: "security/dynamic-code",
    names: /^(?:builtins\.)?(?:eval|exec|compile|__import__)$|^importlib\.(?:import_module|util\..*)$/,
    message: (name) => `${name}() runs or loads code that is not in the file`,
    fix: "write what it does as plain code; for literals use ast.literal_eval or json.loads",
  },
  {
    rule: "security/unsafe-deserialisation",
    names:
      /^(?:pickle|cPickle|dill|shelve|marshal)\.(?:loads?|Unpickler|open)$|^yaml\.(?:load|unsafe_load|full_load)$|^joblib\.load$/,
    message: (name) => `${name}() lets the data it reads run code`,
    fix: "use json, or yaml.safe_load",
  },
  {
    rule: "security/native-code",
    names: /^(?:ctypes|cffi)\./,
    message: (name) => `${name}() calls native code, past Python's own checks`,
    fix: "use the standard library, if it can do the same",
  },
  {
    rule: "security/process",
    names:
      /^(?:subprocess\..*|os\.(?:system|popen|fork|forkpty|posix_spawnp?|exec[lv]p?e?|spawn[lv]p?e?)|pty\.spawn|multiprocessing\..*)$/,
    message: (name) => `${name}() starts a process, which the skill may not do`,
    fix: "do it in Python, or ask for process_spawn in security.permissions",
    unless: ({ process_spawn }) => process_spawn,
  },
  {
    rule: "security/network",
    names:
      /^(?:socket\.(?:socket|create_connection)|urllib\.request\..*|http\.client\..*|requests\..*|httpx\..*|aiohttp\..*|urllib3\..*|ftplib\..*|smtplib\..*)$/,
    message: (name) => `${name}() needs the network, which the skill may not use`,
    fix: "name the hosts in network_access of security.permissions",
    unless: ({ network_access }) => reachesNetwork(network_access),
  },
];

/** What a line of the source shows by its text. */
interface LineRule {
  readonly rule: string;
  readonly fix: string;
  readonly patterns: readonly (readonly [RegExp, string])[];
}

const LINE_RULES: readonly LineRule[] = [
  {
    rule: "security/secret-in-source",
    fix: "declare it under credentials; it then comes as an environment variable",
    patterns: [
      [/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/, "looks like a private key"],
      [/\bAKIA[0-9A-Z]{16}\b/, "looks like an access key"],
      [/\bgh[pousr]_[A-Za-z0-9]{36}\b/, "looks like an access token"],
      [/\bsk-[A-Za-z0-9_-]{32,}\b/, "looks like an API key"],
    ],
  },
  {
    rule: "security/hidden-text",
    fix: 'write such a character as an escape, like "\\u202e"',
    // What stands there is not what a person sees: text that runs the other way, or is not seen at all.
    patterns: [
      [/[\u202A-\u202E\u2066-\u2069]/u, "holds a sign that changes the direction of what follows"],
      [/[\u200B\u2060\uFEFF\u{E0000}-\u{E007F}]/u, "holds a sign that nobody sees"],
    ],
  },
  {
    rule: "security/foreign-secrets",
    fix: "leave it out: a skill gets what it needs as input, as a credential or as a granted file",
    patterns: [
      [
        /\/etc\/(?:shadow|passwd)\b|\/proc\/(?:self|\d+|\*)\/(?:environ|mem|maps)\b|[/"']\.(?:ssh|aws|gnupg|netrc|docker)\b|\bid_(?:rsa|ed25519)\b|\/\.state\b|\bhome\.db\b/,
        "names a place where others keep secrets",
      ],
    ],
  },
];

/**
 * What a reviewer should look at: calls by name, and lines that hold a secret, hide something, or name places where
 * secrets are kept. Each with line and reason. The sandbox decides what is possible; this only tells.
 */
export function checkSecurity(
  outline: ScriptOutline,
  source: string,
  file: string,
  permissions: Permissions,
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { rule, names, message, fix, unless } of RULES) {
    if (unless?.(permissions) === true) continue;
    const calls = outline.calls.filter(({ name }) => names.test(name)).slice(0, MOST_OF_A_RULE);
    findings.push(
      ...calls.map(({ name, line }): Finding => (
        { severity: "warning", rule, message: message(name), fix, file, line }
      )),
    );
  }
  return [...findings, ...LINE_RULES.flatMap((rule) => findLines(rule, source, file))];
}

function findLines({ rule, fix, patterns }: LineRule, source: string, file: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, line] of source.split("\n").entries()) {
    const found = patterns.find(([pattern]) => pattern.test(line.slice(0, 4096)));
    if (found === undefined) continue;
    findings.push({
      severity: "warning",
      rule,
      message: `the line ${found[1]}`,
      fix,
      file,
      line: index + 1,
    });
    if (findings.length === MOST_OF_A_RULE) break;
  }
  return findings;
}
