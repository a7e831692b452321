/** `kerbwatch update status` and `update rollback`: which release runs here, and going back to the one before. */
import { releaseFolder } from "../../adapters/release-folder.ts";
import { loadConfig } from "../../adapters/config-file.ts";
import { readPointer, writePointer } from "../../update/install.ts";
import { MOST_STARTS, type Pointer, rolledBack, type ReleaseRef } from "../../update/pointer.ts";
import { type OnItsWay, readIncoming } from "../../update/shelf.ts";
import { VERSION } from "../../version.ts";
import { type Io, parseOptions } from "../command.ts";
import { CONFIG_OPTION } from "./source.ts";

const named = (release: ReleaseRef | undefined): string =>
  release === undefined ? "the program that was given by hand"
    : `release ${release.sequence} (${release.name}), ${release.hash.slice(0, 16)}…`;

function asText({ active, previous, trial, newest, steps, ill = [] }: Pointer, incoming: OnItsWay | undefined): string {
  return [
    `this file kerbwatch ${VERSION}`,
    `runs      ${named(active)}`,
    `before it ${named(previous)}`,
    ...(trial === undefined ? [] : [
      `on trial  ${named(trial.release)}, started ${trial.starts} of at most ${MOST_STARTS} times`,
    ]),
    `newest    ${newest === 0 ? "none was installed yet" : `sequence ${newest}; only higher ones are installed`}`,
    ...ill.map((hash) => `taken back ${hash.slice(0, 16)}…, for ill health; neighbours are told`),
    ...(incoming === undefined ? [] : [
      `neighbours ${named(incoming.release)}: ${incoming.says}`,
      `          ${incoming.bytesHere} of its ${incoming.bytes} bytes are here`,
    ]),
    ...steps.map((step) => `not logged yet: ${step}`),
  ].map((line) => `${line}\n`).join("");
}

export async function status(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, { ...CONFIG_OPTION, json: { type: "boolean" } });
  const folder = releaseFolder(loadConfig(options.config, io.env).stateDir);
  const [pointer, incoming] = [readPointer(folder), readIncoming(folder)];
  io.out(options.json ? `${JSON.stringify({ ...pointer, program: VERSION, ...(incoming && { incoming }) })}\n`
    : asText(pointer, incoming));
  return 0;
}

export async function rollback(args: readonly string[], io: Io): Promise<number> {
  const { options } = parseOptions(args, CONFIG_OPTION);
  const folder = releaseFolder(loadConfig(options.config, io.env).stateDir);
  const before = readPointer(folder);
  const after = rolledBack(before);
  if (after === before) {
    io.err("kerbwatch: no release was installed here: the program that was given by hand runs\n");
    return 1;
  }
  writePointer(folder, after);
  io.out(`Goes back to ${named(after.active)}, when no car charges.\n`);
  return 0;
}
