/** What the logs of a street hold as certified, read from their files and checked from the roster alone. */
import { readFileSync } from "node:fs";
import { readLog } from "../../edge-agent/adapters/ledger-read.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { checkRecorded, recordedCertificates } from "../../edge-agent/record/certificate-entry.ts";
import { decodeEntry, type Entry } from "../../edge-agent/record/entry.ts";
import { decodeRosterFile } from "../../gossip/roster-file.ts";

export interface HeldCertificate {
  /** Of what was voted for: the same at every agent. */
  readonly name: string;
  readonly zone: string;
  readonly key: string;
  readonly epoch: number;
  /** Why it cannot be believed; absent when it can. */
  readonly problem?: string;
}

/** Every certificate in the log of a state directory. Throws what the file system throws. */
export function certificatesIn(state: string, rosterFile: string): HeldCertificate[] {
  const crypto = nodeCrypto();
  const roster = decodeRosterFile(readFileSync(rosterFile));
  if (!roster.ok) throw new Error(`${rosterFile}: ${roster.problem}`);
  const entries: Entry[] = [];
  readLog(state, crypto, ({ entry }) => {
    const decoded = decodeEntry(entry);
    if (decoded.ok) entries.push(decoded.value);
  });
  return [...recordedCertificates(entries, crypto)].map(([name, recorded]) => {
    const { zone, key, epoch } = recorded.certificate;
    const checked = checkRecorded(recorded, roster.value.bytes, crypto);
    return { name, zone, key, epoch, ...(!checked.ok && { problem: checked.problem }) };
  });
}

export interface Comparison {
  readonly all: number;
  /** In every log. */
  readonly same: number;
  readonly bad: readonly string[];
}

/** What the logs of a zone's agents hold of that zone, up to an epoch that all of them have left behind. Pure. */
export function compareCertificates(
  logs: readonly (readonly HeldCertificate[])[], zone: string, upTo: number,
): Comparison {
  const own = logs.map((log) => log.filter((one) => one.zone === zone && one.epoch <= upTo));
  const names = new Set(own.flatMap((log) => log.map(({ name }) => name)));
  const same = [...names].filter((name) => own.every((log) => log.some((one) => one.name === name)));
  const bad = own.flatMap((log) => log.flatMap(({ name, key, problem }) =>
    (problem === undefined ? [] : [`${key} ${name.slice(0, 8)}: ${problem}`])));
  return { all: names.size, same: same.length, bad };
}
