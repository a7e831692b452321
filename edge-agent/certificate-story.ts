/** What a zone agreed on, or how an agent was proven guilty, told from entries of the log alone: no roster needed. */
import { growthsOf, readMessage, type Sample } from "../gossip/certificate.ts";
import { hex } from "../gossip/bytes.ts";
import type { Crypto } from "../models/crypto.ts";
import type { EvidenceKey } from "../models/terms.ts";
import type { ContentHash } from "../models/units.ts";
import type { RecordedCertificate } from "./record/certificate-entry.ts";
import { contentHash } from "./record/record.ts";

/** What a station's growth was taken from: hashes of signed bytes. */
export interface StatementPair {
  readonly station: string;
  readonly newer: ContentHash;
  readonly older: ContentHash;
  /** What its evidence rose by from one to the other; absent when one is not in the log. */
  readonly nats?: number;
}

export interface CertificateStory {
  /** SHA-256 of what was voted for: the same in the logs of all agents. */
  readonly name: ContentHash;
  readonly zone: string;
  readonly key: EvidenceKey;
  readonly epoch: number;
  readonly onsetEpoch: number;
  readonly rosterVersion: number;
  /** Who voted for it. */
  readonly signers: readonly string[];
  readonly statements: readonly StatementPair[];
}

const NATS = 1_000;

/** Members' names come from their statements; who is not among them is told by the place in the roster. */
export function certificateStory({ certificate, statements }: RecordedCertificate, crypto: Crypto): CertificateStory {
  const stations = new Map<number, string>();
  const samples = new Map<string, Sample>();
  const indexes = new Map(certificate.items.flatMap(({ index, newer, older }) =>
    [[hex(newer), index], [hex(older), index]] as const));
  for (const whole of statements) {
    const statement = readMessage("statement", whole);
    if (statement === undefined) continue;
    const { station, bytes, content: { epoch, evidence } } = statement;
    const name = hex(crypto.sha256(bytes));
    const index = indexes.get(name);
    if (index === undefined) continue;
    stations.set(index, station);
    samples.set(name, { index, epoch, evidence });
  }
  const growths = growthsOf(certificate, (hash) => samples.get(hex(hash)));
  const nameOf = (index: number): string => stations.get(index) ?? `member ${index + 1}`;
  const { zone, key, epoch, onset, rosterVersion, hash } = certificate;
  return {
    name: contentHash(hash), zone, key, epoch, onsetEpoch: onset, rosterVersion,
    signers: certificate.signers.map(nameOf),
    statements: certificate.items.map(({ index, newer, older }, place) => {
      const growth = growths?.[place];
      return {
        station: nameOf(index), newer: contentHash(newer), older: contentHash(older),
        ...(growth !== undefined && { nats: growth / NATS }),
      };
    }),
  };
}

export interface ProofStory {
  readonly station: string;
  /** Who found the two. */
  readonly reportedBy: string;
  readonly statements: readonly { readonly hash: ContentHash; readonly epoch: number; readonly seq: number }[];
}

/** Undefined for what is no proof. */
export function proofStory(whole: Uint8Array, crypto: Crypto): ProofStory | undefined {
  const proof = readMessage("proof", whole);
  if (proof === undefined) return undefined;
  const both = [proof.content.first, proof.content.second].map((one) => readMessage("statement", one));
  const statements = both.flatMap((one) => (one === undefined ? []
    : [{ hash: contentHash(crypto.sha256(one.bytes)), epoch: one.content.epoch, seq: one.content.seq }]));
  return { station: both[0]?.station ?? "", reportedBy: proof.station, statements };
}
