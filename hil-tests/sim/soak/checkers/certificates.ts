/** No contradictory certificates: for a threat, epoch and zone under one roster, one proposal at most is certified. */
import { hex } from "../../../../gossip/bytes.ts";
import type { Certificate } from "../../../../gossip/certificate.ts";
import { threatOf } from "../../../../models/terms.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";
import { certificatesSeen } from "./seen.ts";

const NAME = "no contradictory certificates";

export function noContradiction(world: World): Checker {
  const first = new Map<string, Certificate>();
  const seen = certificatesSeen(world, (certificate) => {
    const { key, epoch, zone, rosterVersion, name } = certificate;
    const slot = `${threatOf(key)} at epoch ${epoch} of ${zone} under roster ${rosterVersion}`;
    const other = first.get(slot);
    if (other !== undefined && other.name !== name) {
      const by = (one: Certificate): string => `${hex(one.hash).slice(0, 8)} by ${one.signers.join(" ")}`;
      throw new CheckFailure(NAME, `${slot}: ${by(other)}, and ${by(certificate)}`);
    }
    first.set(slot, certificate);
  });
  return { name: NAME, ...seen };
}
