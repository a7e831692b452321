/**
 * What esbuild leaves out of the installed packages, since no program does it. The tests are bundled with it too
 * (build/test-process.ts): whatever they show, they show of the packages as they ship.
 */
import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";
import { CBOR_X } from "./cbor-x.ts";
import { edited } from "./edit.ts";
import type { Slimming } from "./edit.ts";
import { JS_YAML } from "./js-yaml.ts";
import { MQTT } from "./mqtt.ts";
import { TWEETNACL } from "./tweetnacl.ts";

const SLIMMINGS: Readonly<Record<string, Slimming>> = {
  "cbor-x": CBOR_X, "js-yaml": JS_YAML, "tweetnacl": TWEETNACL, ...MQTT,
};

/** The packages that ship without parts of them. */
export const SLIMMED: readonly string[] = Object.keys(SLIMMINGS);

const FILES = new RegExp(`[\\\\/]node_modules[\\\\/](${SLIMMED.join("|")})[\\\\/](.+\\.m?js)$`);

/**
 * A package's file as it ships; undefined when all of it does. `read`: the text of a file. Throws Error, in words, when
 * the package is not the one that its slimming was written for.
 */
export function slimmed(path: string, read: (path: string) => string): string | undefined {
  const [, name = "", file = ""] = FILES.exec(path) ?? [];
  const slimming = SLIMMINGS[name];
  const edits = slimming?.files[file.replaceAll("\\", "/")];
  if (slimming === undefined || edits === undefined) return undefined;
  const { version } = JSON.parse(read(`${path.slice(0, -file.length)}package.json`)) as { version: string };
  if (version !== slimming.version) throw new Error(`${name} ${version}: build/slim is for ${slimming.version}`);
  try {
    return edited(read(path), edits);
  } catch (error) {
    throw new Error(`${name}/${file}: ${(error as Error).message}`);
  }
}

export const SLIM: Plugin = {
  name: "slim",
  setup({ onLoad }) {
    onLoad({ filter: FILES }, ({ path }) => {
      try {
        const contents = slimmed(path, (file) => readFileSync(file, "utf8"));
        return contents === undefined ? undefined : { contents, loader: "js" };
      } catch (error) {
        return { errors: [{ text: (error as Error).message }] };
      }
    });
  },
};
