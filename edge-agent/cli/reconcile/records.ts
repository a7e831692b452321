/** Where the operator's records are read from: files, or an OCPI endpoint. */
import { hostPortText } from "../../../gossip/host-port.ts";
import { ok, problem, type Result } from "../../../models/result.ts";
import { systemAuthorities } from "../../adapters/dial.ts";
import { type OcpiSource, readOcpi } from "../../adapters/ocpi.ts";
import { readSmallText } from "../../adapters/roster-file.ts";
import { readPassword, readPem } from "../../adapters/tls-files.ts";
import { secretRef } from "../../config-brokers.ts";
import { isLoopback, parseHttpAddress } from "../../config-kit.ts";
import { isProblem } from "../../observe/trace.ts";
import { shown } from "../../plain-text.ts";
import { CdrBook, recordsIn } from "../../reconcile/cdr.ts";
import { type Io, UsageError } from "../command.ts";

/** A month of a large site; a board has to hold it parsed. */
const MOST_FILE_BYTES = 32 << 20;
/** Bad records that are told one by one. */
const MOST_TOLD = 10;

export interface RecordOptions {
  readonly cdr: readonly string[];
  readonly token: string | undefined;
  readonly ca: string | undefined;
  readonly plain: boolean;
  readonly from: string | undefined;
}

const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

/** All records of all sources. Throws UsageError where one cannot be used at all, an Error where one breaks off. */
export async function readRecords(options: RecordOptions, io: Io): Promise<CdrBook> {
  let told = 0;
  const book = new CdrBook((place, { what, found, allowed }) => {
    told += 1;
    if (told <= MOST_TOLD) io.err(`${place}: ${what}: found ${found}; allowed: ${allowed} (left out)\n`);
  });
  for (const source of options.cdr) {
    if (isUrl(source)) await fromEndpoint(source, options, io, book);
    else fromFile(source, book);
  }
  if (told > MOST_TOLD) io.err(`${told - MOST_TOLD} more bad records were left out\n`);
  return book;
}

function taken(parsed: unknown, place: string, book: CdrBook): Result<undefined> {
  const records = recordsIn(parsed);
  if (isProblem(records)) return problem(`${records.what}: found ${records.found}; allowed: ${records.allowed}`);
  book.take(records, place);
  return ok(undefined);
}

function fromFile(path: string, book: CdrBook): void {
  const text = readSmallText(path, MOST_FILE_BYTES);
  if (!text.ok) throw new UsageError(`--cdr: ${text.problem}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.value);
  } catch {
    throw new UsageError(`--cdr: ${path}: found no JSON; allowed: a list of CDRs, or OCPI's answer with them`);
  }
  const done = taken(parsed, path, book);
  if (!done.ok) throw new UsageError(`--cdr: ${path}: ${done.problem}`);
}

function endpointOf(text: string, { token, ca, plain, from }: RecordOptions, io: Io): OcpiSource {
  const at = parseHttpAddress(text);
  if (at === undefined) {
    throw new UsageError(`--cdr: found ${shown(text)}; allowed: a file, or https:// or http://, host and path`);
  }
  if (!at.secure && !plain && !isLoopback(at.host)) {
    throw new UsageError(`--plain: missing; allowed: --plain, if whoever is between here and ${hostPortText(at)} may `
      + "read the token (https:// keeps it from them)");
  }
  if (token === undefined) throw new UsageError("--token: missing; allowed: file:PATH or env:NAME with OCPI's token");
  const ref = readRef(token, io);
  const url = new URL(text);
  if (from !== undefined && !url.searchParams.has("date_from")) url.searchParams.set("date_from", from);
  return { url, token: readPassword("--token", ref, io.env),
    ...(at.secure && authorities(ca)) };
}

function readRef(token: string, io: Io) {
  // A bare path is a file elsewhere; here it would be a token that was typed where it can be read.
  if (/^(file:|env:)/.test(token)) return secretRef("--token", token, io.env, (path) => path);
  throw new UsageError("--token: found something else; allowed: file:PATH or env:NAME, never the token itself");
}

function authorities(ca: string | undefined): { ca?: string | Buffer } {
  const pem = ca === undefined ? systemAuthorities() : readPem("--ca", ca);
  return pem === undefined ? {} : { ca: pem };
}

async function fromEndpoint(text: string, options: RecordOptions, io: Io, book: CdrBook): Promise<void> {
  const source = endpointOf(text, options, io);
  const read = await readOcpi(source, (body, page) => taken(body, `page ${page}`, book));
  if (!read.ok) throw new Error(`--cdr: ${source.url.origin}${source.url.pathname}: ${read.problem}`);
}
