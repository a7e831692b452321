/** `kerbwatch ledger`: the record checked, one entry of it proven, and an incident's evidence taken out of it. */
import { type Command, type Io, oneOf, parseOptions } from "./command.ts";
import { verifyFile } from "./ledger/evidence.ts";
import { exportEvidence } from "./ledger/export.ts";
import { verifyLog } from "./ledger/log.ts";
import { prove } from "./ledger/prove.ts";
import { exportTiles } from "./ledger/tiles.ts";
import { exportTrace } from "./ledger/trace.ts";
import { witnessed } from "./ledger/witnessed.ts";
import { STATE_HELP, STATE_OPTIONS } from "./state-dir.ts";

const HELP = `
Usage: kerbwatch ledger verify [--state DIR | --config FILE]
         [--key VKEY | --roster FILE --operators FILE] [--json]
       kerbwatch ledger export --incident ID --out FILE
         [--state DIR | --config FILE] [--roster FILE... --operators FILE]
       kerbwatch ledger verify FILE [--json]
         (--operators FILE [--roster FILE] | --key VKEY)
       kerbwatch ledger prove ENTRY [--state DIR | --config FILE]
       kerbwatch ledger tiles --out DIR [--state DIR | --config FILE]
       kerbwatch ledger witnessed STATION [--before TIME]
       kerbwatch ledger trace --out FILE [--incident ID]
         [--state DIR | --config FILE]

"verify" reads every segment of the log, recomputes the Merkle tree (RFC 9162),
and holds it against the signed checkpoint beside it (a C2SP signed note). Needs
no running agent, and disturbs none. An auditor copies the "log" folder of the
state directory into a folder of his own and gives the key that he had from the
operator before. In a street, neighbours cosign the log: with the roster it is
said who did, and by when enough of them had that one at least is honest.

What the agent's zone certified is counted, and listed with --json by zone, key,
epoch and name: honest agents of a zone hold the same names.

"export" writes one file with everything that proves an incident: its alerts,
frames (redacted), certificates and proofs as entries of the log, each with its
inclusion proof, the checkpoint, what witnesses cosigned, the rosters, and a
report in plain words with the clocks of NIS2. "verify FILE" needs nothing but
that file and the operators' keys, and refuses it when any part was changed.

"prove" prints one entry with its inclusion proof as a C2SP tlog-proof. ENTRY is
its index from 0, or its hash as alerts name it (sha256:...).

"tiles" writes the log as C2SP tlog-tiles (checkpoint, tile/, entries), as
monitors and mirrors of other logs read them from any web server.

"witnessed" prints the last checkpoints of a neighbour's log that this device
cosigned, before a time when one is given: for "roster create --last", when that
neighbour's keys are revoked. A log whose key is revoked is believed up to the
checkpoint that the roster names, and "verify" says so; what is behind it may be
a thief's.

"trace" writes the frames that alerts rest on, of one incident or of all, as
Open OCPP Trace v1.1 (JSON Lines), redacted, for "replay" and others' viewers.

${STATE_HELP}
  --key VKEY      the log's public key, as "keygen --station" shows it (default
                  for a log: the device's own)
  --roster FILE   the street's roster, which has the keys of the log and of its
                  witnesses. export: every version that the certificates name,
                  oldest first, without gaps. verify FILE: a later one, which
                  may have revoked the log's key meanwhile
  --operators FILE
                  whom you trust to have signed it (export: the first of them),
                  as for "roster verify"
  --before TIME   as alerts write it: 2026-03-01T17:00:00.000Z
  --incident ID   as alerts and status print it, or the beginning of it
  --out FILE      where to write; tiles: a folder
  --json          for programs

Exit codes: 0 good, or written; 1 damaged, changed, cut or not signed, or not to
be had; 2 wrong usage.
`;

const VERIFY_OPTIONS = {
  ...STATE_OPTIONS, key: { type: "string", value: "VKEY" }, roster: { type: "string", value: "FILE" },
  operators: { type: "string", value: "FILE" },
  json: { type: "boolean" },
} as const;

/** Of a file when there is one among the arguments, otherwise of a log. */
async function verify(args: readonly string[], io: Io): Promise<number> {
  const { positionals } = parseOptions(args, VERIFY_OPTIONS, { max: 1, what: "one file of evidence", files: true });
  return positionals.length > 0 ? verifyFile(args, io) : verifyLog(args, io);
}

const run = oneOf("ledger", {
  verify, export: exportEvidence, prove, tiles: exportTiles, trace: exportTrace, witnessed,
});

export const ledger: Command = {
  name: "ledger",
  summary: "checks the record, proves entries, exports evidence",
  help: HELP,
  run,
};
