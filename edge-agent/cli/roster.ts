/** `kerbwatch roster`: the signed list of members, made offline by the operator. */
import { type Command, oneOf } from "./command.ts";
import { create } from "./roster/create.ts";
import { mosquitto } from "./roster/mosquitto.ts";
import { show } from "./roster/show.ts";
import { sign } from "./roster/sign.ts";
import { verify } from "./roster/verify.ts";

const HELP = `
Usage: kerbwatch roster create --region FILE --members DIR --operators FILE
                               --out roster.kwu [--previous roster.kw
                               [--last FILE...]] [--from-epoch N] [--epoch S]
       kerbwatch roster sign   roster.kwu --key FILE [--out roster.kw]
       kerbwatch roster verify roster.kw --operators FILE [--previous FILE]
                               [--json]
       kerbwatch roster show   roster.kw [--json]
       kerbwatch roster mosquitto roster.kw --operators FILE --members DIR
                               --out DIR [--host NAME] [--listen [HOST:]PORT]
                               [--at DIR]

The roster says who the members of a region are, with which keys, in which
zones. Agents believe no other list: it needs the signatures of as many
operators as each agent was told by hand.

A street is enrolled in five commands:
  1. Each operator, once, on a machine of her own:
       kerbwatch keygen --operator alice.key
     The line that it prints goes into operators.json, and as "operators" into
     each agent's configuration: {"threshold": 2, "keys": ["operator/alice+...",
     "operator/bob+..."]}
  2. On each charger; the file written is public and goes to the operator:
       kerbwatch keygen --state /var/lib/kerbwatch --station CP-001
         --advertise 10.0.0.5:8883 --member CP-001.member.json
  3. From the region file and all member files, a roster that nobody signed yet:
       kerbwatch roster create --region region.yaml --members members
         --operators operators.json --out roster.kwu
  4. Each operator looks at it (roster show) and signs; the second one signs
     what the first one wrote:
       kerbwatch roster sign roster.kwu --key alice.key
       kerbwatch roster sign roster.kw --key bob.key
  5. Good? Then it goes to the chargers, as "roster" under "mesh" in the
     configuration:
       kerbwatch roster verify roster.kw --operators operators.json
A station that comes or goes, a new key: steps 3 to 5 again, with --previous.

A broker of the site, beside the chargers' own or instead, is a Mosquitto that
knows the roster's members and nobody else. Each of them may read its zone and
write in its own name. Chargers then need no --advertise:
       kerbwatch roster mosquitto roster.kw --operators operators.json
         --members members --out site --host 10.0.0.9
       mosquitto -c site/mosquitto.conf
and in every agent's configuration, under "mesh": "ca": site/broker.crt,
"brokers": ["mqtts://10.0.0.9:8883"]. Nobody passes on there what others say:
who is not connected to it is not heard by those who only listen there.

  --region FILE      the region file: zones, stations, liarsTolerated (f)
  --members DIR      holds <station>.member.json for each station of the region
                     (mosquitto: of the roster)
  --operators FILE   create: who signs the next version, and how many of them;
                     verify: whom you trust, and how many of them must have
                     signed
  --previous FILE    create: the version before. The new one follows it; keys
                     that are gone are revoked for good. verify: checks that the
                     roster follows this one
  --last FILE...     create: the last checkpoints of logs whose members go, as
                     neighbours' "ledger witnessed" prints them (of a stolen
                     board: --before the theft). What such a log says up to the
                     newest that f + 1 neighbours cosigned stays provable; of
                     logs without one, nothing is believed any more
  --from-epoch N     the round that the roster counts from (default: 0 for the
                     first, otherwise an hour from now)
  --epoch S          the round, in seconds (default: as before, or 10)
  --key FILE         an operator's key, as "keygen --operator" makes it
  --out FILE         where to write; sign: by default .kwu becomes .kw, and .kw
                     is replaced; mosquitto: the folder that the files go to
  --host NAME        mosquitto: the name or IPv4 address that agents dial; makes
                     broker.key and broker.crt unless they are there. Absent:
                     put the broker's own there
  --listen [HOST:]PORT
                     mosquitto: where it listens (default: 8883, all addresses)
  --at DIR           mosquitto: where the files lie on the broker's machine
                     (default: --out)
  --json             for programs

Exit codes: 0 done, or good; 1 not good, or not to be written; 2 wrong usage, or
a file that cannot be used.
`;

const run = oneOf("roster", { create, sign, verify, show, mosquitto });

export const roster: Command = {
  name: "roster",
  summary: "the signed list of members; files of a broker for them",
  help: HELP,
  run,
};
