/** What lies below a folder, in one order everywhere. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface TreeEntry {
  /** Relative, with `/`. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link";
  /** Of a file. */
  readonly bytes: number;
}

/** Sorted by code units, folders before what they hold. */
export function treeOf(root: string, below = ""): TreeEntry[] {
  return readdirSync(join(root, below)).sort().flatMap((name) => {
    const path = below === "" ? name : `${below}/${name}`;
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) return [{ path, kind: "folder", bytes: 0 } as const, ...treeOf(root, path)];
    return [{ path, kind: stat.isSymbolicLink() ? "link" : "file", bytes: stat.size } as const];
  });
}
