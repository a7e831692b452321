/** The tidy rules that need the whole tree: the fixed top level, who may import whom, and which files must be pure. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { CODE_FOLDERS, filesBelow } from "./paths.ts";
import { checkHabits, checkPurity, checkSizes, importsOf, isTestFile, parse } from "./tidy-source.ts";
import type { Import, Source, Violation } from "./tidy-source.ts";

const TOP_LEVEL = new Set([
  "package.json", "package-lock.json", "tsconfig.json", "README.md", "CHANGELOG.md", "LICENSE", ...CODE_FOLDERS,
]);
/** Made by npm and by the scripts, and ignored by git. */
const MADE = /^(node_modules|dist|.*\.log)$/;

/** The dependency rule: models <- gossip <- edge-agent <- hil-tests, with build beside them for hil-tests alone. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "models": ["models"],
  "gossip": ["models", "gossip"],
  "edge-agent": ["models", "gossip", "edge-agent"],
  "hil-tests": ["models", "gossip", "edge-agent", "hil-tests", "build", "targets"],
  "build": ["models", "gossip", "edge-agent", "build", "targets"],
  "targets": ["targets", "build"],
};

const PURE = /^(models\/|gossip\/|edge-agent\/(observe|record|alert)\/|edge-agent\/(pipeline|ports)\.ts$)/;
/** Homes of I/O. Other files of edge-agent must be pure as soon as a pure file imports them. */
const IMPURE_HOME = /^edge-agent\/((agent|main)\.ts$|adapters\/|cli\/|dashboard\/)/;
/** Packages without I/O, clocks and chance (tweetnacl: as long as it makes no keys). */
const PURE_PACKAGES = ["tweetnacl", "cbor-x/encode", "cbor-x/decode"];

/** What the agent is made of, and what only tests and benches may read: helpers, naive references, other rules. */
const SHIPS = /^(models|gossip|edge-agent)\//;
const NEVER_SHIPS = /\.(testing|reference)\.ts$/;

const isRelative = (specifier: string): boolean => specifier.startsWith(".");
const layerOf = (path: string): string => path.split("/")[0] ?? "";

/** The file that a relative import names, relative to the root; starts with `..` when it lies outside. */
function targetOf(source: Source, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(source.path), specifier));
}

function checkTopLevel(root: string): Violation[] {
  return readdirSync(root)
    .filter((name) => !TOP_LEVEL.has(name) && !name.startsWith(".") && !MADE.test(name))
    .map((path) => ({
      path, line: 1, rule: "top-level", text: `not part of the top level, which is ${[...TOP_LEVEL].join(" ")}`,
    }));
}

/** The files that must be pure: those of the pure folders, and whatever they import that has no licence for I/O. */
function pureFiles(sources: ReadonlyMap<string, Source>): Set<string> {
  const pure = new Set<string>();
  const waiting = [...sources.keys()].filter((path) => PURE.test(path) && !isTestFile(path));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = sources.get(path);
    if (pure.has(path) || source === undefined || IMPURE_HOME.test(path)) continue;
    pure.add(path);
    const relative = importsOf(source).filter(({ specifier }) => isRelative(specifier));
    waiting.push(...relative.map(({ specifier }) => targetOf(source, specifier))
      .filter((target) => layerOf(target) === "edge-agent"));
  }
  return pure;
}

function relativeFault(source: Source, specifier: string, mustBePure: boolean): string | undefined {
  const target = targetOf(source, specifier);
  const from = layerOf(source.path);
  const allowed = MAY_IMPORT[from] ?? [];
  if (!allowed.includes(layerOf(target))) return `imports ${target}; ${from} may import ${allowed.join(", ")}`;
  if (SHIPS.test(source.path) && NEVER_SHIPS.test(target) && !NEVER_SHIPS.test(source.path)) {
    return `imports ${target}; only tests, benches and their helpers may`;
  }
  if (mustBePure && IMPURE_HOME.test(target)) return `imports ${target}; a pure file may import pure files`;
  return undefined;
}

function packageFault(specifier: string, mustBePure: boolean): string | undefined {
  if (specifier === "cbor-x") return `imports cbor-x, which loads native code; cbor-x/encode and cbor-x/decode do not`;
  if (!mustBePure || PURE_PACKAGES.includes(specifier)) return undefined;
  return `imports ${specifier}; a pure file may import ${PURE_PACKAGES.join(", ")}`;
}

function checkImports(source: Source, mustBePure: boolean): Violation[] {
  const fault = ({ specifier }: Import): string | undefined => isRelative(specifier)
    ? relativeFault(source, specifier, mustBePure)
    : packageFault(specifier, mustBePure);
  return importsOf(source).flatMap((one) => {
    const text = fault(one);
    return text === undefined ? [] : [{ path: source.path, line: one.line, rule: "import", text }];
  });
}

/** Reads every source file below the code folders of `root`. */
function readSources(root: string): Map<string, Source> {
  const paths = CODE_FOLDERS.flatMap((folder) => filesBelow(root, folder)).filter((path) => /\.(ts|mjs)$/.test(path));
  return new Map(paths.map((path) => [path, parse(path, readFileSync(join(root, path), "utf8"))]));
}

/** Every violation in the tree at `root`, in the order of the files. */
export function tidyTree(root: string): Violation[] {
  const sources = readSources(root);
  const pure = pureFiles(sources);
  const found = checkTopLevel(root);
  for (const [path, source] of sources) {
    found.push(...checkSizes(source), ...checkHabits(source));
    if (isTestFile(path)) continue;
    found.push(...checkImports(source, pure.has(path)));
    if (pure.has(path)) found.push(...checkPurity(source));
  }
  return found;
}
