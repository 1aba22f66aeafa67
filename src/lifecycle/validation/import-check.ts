import { normalizeName, parseRequirement } from "../../manifest/requirements.ts";
import type { Finding } from "../../manifest/types.ts";
import type { ScriptOutline } from "../../runner/types.ts";

/** Packages whose modules have another name. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  attr: "attrs",
  bs4: "beautifulsoup4",
  Crypto: "pycryptodome",
  cv2: "opencv-python-headless",
  dateutil: "python-dateutil",
  docx: "python-docx",
  dotenv: "python-dotenv",
  fitz: "pymupdf",
  git: "GitPython",
  google: "google-api-python-client",
  igraph: "python-igraph",
  jose: "python-jose",
  jwt: "PyJWT",
  Levenshtein: "python-Levenshtein",
  magic: "python-magic",
  markdown_it: "markdown-it-py",
  mpl_toolkits: "matplotlib",
  multipart: "python-multipart",
  MySQLdb: "mysqlclient",
  nacl: "PyNaCl",
  OpenSSL: "pyOpenSSL",
  osgeo: "GDAL",
  PIL: "pillow",
  pkg_resources: "setuptools",
  pptx: "python-pptx",
  psycopg2: "psycopg2-binary",
  pylab: "matplotlib",
  ruamel: "ruamel.yaml",
  serial: "pyserial",
  skimage: "scikit-image",
  sklearn: "scikit-learn",
  slugify: "python-slugify",
  socks: "PySocks",
  telegram: "python-telegram-bot",
  tlz: "toolz",
  usb: "pyusb",
  websocket: "websocket-client",
  win32api: "pywin32",
  xdg: "pyxdg",
  yaml: "PyYAML",
  zmq: "pyzmq",
};

/**
 * Modules whose own name is no package that brings them: there is none of that name, or it is another one. Whoever
 * declares it gets nothing, or what a stranger put there.
 */
const NOT_A_PACKAGE: ReadonlySet<string> = new Set(
  ["Crypto", "cv2", "dateutil", "docx", "dotenv", "fitz", "git", "jwt", "magic", "nacl", "PIL", "serial"]
    .concat(["skimage", "sklearn", "socks", "usb", "websocket", "yaml", "zmq"]),
);

/** What an import can be satisfied by. */
export interface ImportContext {
  /** The entry file, for findings. */
  readonly file: string;
  /** Names of the interpreter's standard library. */
  readonly stdlib: ReadonlySet<string>;
  /** Modules that are files of the package. */
  readonly local: ReadonlySet<string>;
  /** Requirements of the script's header. */
  readonly dependencies: readonly string[];
}

/**
 * Compares what a script imports with what it declares. A module that nothing can bring is an error when the script
 * declares no dependency at all; else one of them may bring it, and it is a warning.
 */
export function checkImports(outline: ScriptOutline, context: ImportContext): readonly Finding[] {
  const declared = new Set(context.dependencies.map((text) => normalizeName(parseRequirement(text).name)));
  const used = new Set<string>();
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const { module, line, optional } of outline.imports) {
    const top = module.split(".", 1)[0] ?? module;
    const own = Object.hasOwn(PACKAGE_OF, top) ? PACKAGE_OF[top] ?? top : top;
    const packages = [normalizeName(own), normalizeName(top)];
    const declares = packages.find((name) => declared.has(name)) ?? dotted(module, declared);
    if (declares !== undefined) used.add(declares);
    if (declares === normalizeName(top) && NOT_A_PACKAGE.has(top) && !seen.has(top)) {
      seen.add(top);
      findings.push(misnamed(top, own, line, context));
    }
    const known = declares !== undefined || context.stdlib.has(top) || context.local.has(top) ||
      top === "skillwright";
    if (known || optional === true || seen.has(top)) continue;
    seen.add(top);
    findings.push(unknownImport(top, line, declared.size === 0, context));
  }
  return [...findings, ...unused(context, declared, used, findings.length > 0)];
}

/** `google.protobuf` comes from `google-protobuf` or from a package named like its second part. */
function dotted(module: string, declared: ReadonlySet<string>): string | undefined {
  const parts = module.split(".");
  const joined = parts.map((_, index) => normalizeName(parts.slice(0, index + 1).join("-")));
  return [...joined, normalizeName(parts[1] ?? "")].find((name) => declared.has(name));
}

function misnamed(top: string, own: string, line: number, { file }: ImportContext): Finding {
  return {
    severity: "warning",
    rule: "script/misnamed-dependency",
    message: `"${top}" is the name of a module; the package that brings it is "${own}"`,
    fix: `write "${own}" in the dependencies in the script's header`,
    file,
    line,
  };
}

function unknownImport(top: string, line: number, certain: boolean, { file }: ImportContext): Finding {
  const likely = Object.hasOwn(PACKAGE_OF, top) ? PACKAGE_OF[top] ?? top : top;
  return {
    severity: certain ? "error" : "warning",
    rule: "script/unknown-import",
    message:
      `"${top}" is imported, but it is neither in the standard library nor in the package nor a dependency`,
    fix: `add "${likely}" to the dependencies in the script's header, if that is the package it comes from`,
    file,
    line,
  };
}

function unused(
  { file, dependencies }: ImportContext,
  declared: ReadonlySet<string>,
  used: ReadonlySet<string>,
  someUnknown: boolean,
): readonly Finding[] {
  // A dependency whose module has another name looks unused, and its module unknown: then one finding is enough.
  if (someUnknown) return [];
  const idle = dependencies.filter((text) => {
    const name = normalizeName(parseRequirement(text).name);
    return declared.has(name) && !used.has(name);
  });
  return idle.map((text) => ({
    severity: "hint",
    rule: "script/unused-dependency",
    message: `the dependency "${text}" is not imported by name`,
    fix: "leave it out, if nothing needs it",
    file,
  }));
}
