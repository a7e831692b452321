/** `kerbwatch update`: signed releases. */
import { type Command, oneOf } from "./command.ts";
import { check, install } from "./update/install.ts";
import { create, sign } from "./update/make.ts";
import { rollback, status } from "./update/state.ts";

const HELP = `
Usage: kerbwatch update check    RELEASE --config FILE
       kerbwatch update install  RELEASE --config FILE [--now]
       kerbwatch update rollback --config FILE
       kerbwatch update status   --config FILE [--json]
       kerbwatch update create   --files FILE... --sequence N --name NAME
                                 --out RELEASE [--days D] [--stages S:P,...]
       kerbwatch update sign     RELEASE --key FILE [--out FILE]

RELEASE is a path or URL; the program, kerbwatch.cjs, lies beside it. Only what
enough of the configuration's operators signed is installed, whose time is not
over, and whose number is higher than any that was here. It is put beside the
running one, tried when no car charges, kept once the log is open, neighbours
are reached and frames pass both ways, and taken back by itself otherwise. A
power cut at any moment leaves the old or the new one. Each step is in the log.
The program that was given by hand (by a package) stays what starts first: it
checks a release's signatures at each start.

With "updates: { fromNeighbours: true }" an agent fetches what neighbours run
and found healthy by itself, and waits where more of its zone took it back than
may lie; status says what it waits for.

The operators, on machines without a network:
  kerbwatch update create --files kerbwatch.cjs --sequence 7 --name 0.2.0
    --stages 0:5,86400:25,259200:100 --out kerbwatch.release
  kerbwatch update sign kerbwatch.release --key alice.key
  kerbwatch update sign kerbwatch.release --key bob.key

  --config FILE  the agent's configuration: operators, stateDir, station
  --now          install: also when other stations are to have it first
  --files        what the release is made of; kerbwatch.cjs must be among it
  --sequence N   higher with each release
  --days D       how long it may be installed (default: 90)
  --stages       seconds after its creation, and how many of a hundred stations
                 may have it from then on (default: all at once)
  --key FILE     an operator's key, as "keygen --operator" makes it
  --out FILE     where to write; sign: by default the file itself
  --json         for programs

Exit codes: 0 done, or not this station's turn yet; 1 not good, or not to be
had; 2 wrong usage or configuration.
`;

const run = oneOf("update", { check, install, rollback, status, create, sign });

export const update: Command = { name: "update", summary: "signed releases: check, install, go back", help: HELP, run };
