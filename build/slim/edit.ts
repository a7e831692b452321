/**
 * Changes to the text of an installed package, made while it is bundled: what no program does is left out. Each change
 * names the text that it expects. When that is not there exactly as often as it was, the build fails, and somebody has
 * to read the package again.
 */

export type Edit =
  /** Leaves out everything from `cut`, which is there once, up to the next `to`, or to the end; puts `put` there. */
  | { readonly cut: string; readonly to?: string; readonly put?: string }
  /** Puts `by` wherever `swap` is, which is there `times` times (once when absent). */
  | { readonly swap: string | RegExp; readonly by: string; readonly times?: number };

/** What is left out of one package. */
export interface Slimming {
  /** The version that it was written for, and the only one that it is good for. */
  readonly version: string;
  /** By path inside the package. */
  readonly files: Readonly<Record<string, readonly Edit[]>>;
}

const quoted = (text: string | RegExp): string => JSON.stringify(String(text).slice(0, 60));

function swap(text: string, what: string | RegExp, by: string, times: number): string {
  const found = typeof what === "string" ? text.split(what).length - 1 : [...text.matchAll(what)].length;
  if (found !== times) throw new Error(`${quoted(what)} is there ${found} times; expected: ${times}`);
  return text.replaceAll(what, () => by);
}

function cut(text: string, from: string, to: string | undefined, put: string): string {
  const marked = swap(text, from, from, 1);
  const start = marked.indexOf(from);
  const end = to === undefined ? text.length : text.indexOf(to, start + from.length);
  if (end < 0) throw new Error(`${quoted(to ?? "")} does not follow ${quoted(from)}`);
  return text.slice(0, start) + put + text.slice(end);
}

/** Throws Error, in words, when the text is not the one that the edits were written for. */
export function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((slim, edit) => "cut" in edit ? cut(slim, edit.cut, edit.to, edit.put ?? "")
    : swap(slim, edit.swap, edit.by, edit.times ?? 1), text);
}
