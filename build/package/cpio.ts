/** An archive in the form that Linux unpacks at its start (its Documentation, early-userspace/buffer-format.rst). */
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { treeOf } from "./tree.ts";

const TYPE = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const;

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}

/** "newc": eight hexadecimal digits a field. */
function entry(number: number, path: string, mode: number, epochS: number, content: Uint8Array): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [number, mode, 0, 0, 1, epochS, content.length, 0, 0, 0, 0, name.length, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return [padded(Buffer.concat([Buffer.from(head), name])), padded(content)];
}

/** Everything below `root`, root's, with one time. */
export function cpioOf(root: string, epochS: number): Buffer {
  const parts = treeOf(root).flatMap(({ path, kind }, i) => {
    const full = join(root, path);
    const content = kind === "file" ? readFileSync(full)
      : kind === "link" ? Buffer.from(readlinkSync(full)) : new Uint8Array(0);
    const mode = TYPE[kind] | (kind === "link" ? 0o777 : lstatSync(full).mode & 0o7777);
    return entry(i + 1, path, mode, epochS, content);
  });
  return Buffer.concat([...parts, ...entry(0, "TRAILER!!!", 0, 0, new Uint8Array(0))]);
}
