/** Where in a JSON document a value stands: JSON Pointer (RFC 6901). */

/** What an array's index looks like: no sign and no leading zeros (section 4). */
const INDEX = /^(0|[1-9]\d{0,8})$/;

/** Whether the text is a pointer (section 3): empty, or names that each begin with `/` and in which `~` is escaped. */
export function isJsonPointer(text: string): boolean {
  return /^(\/([^~/]|~[01])*)*$/.test(text);
}

/** The value that the pointer leads to; `undefined`, which JSON cannot say, where it leads to none (section 4). */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const escaped of pointer.split("/").slice(1)) {
    const name = escaped.replace(/~1/g, "/").replace(/~0/g, "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    if (Array.isArray(value) && !INDEX.test(name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
