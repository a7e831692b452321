/**
 * A lying agent: what the thief of a board's keys could run in place of the agent. The charger charges on through it,
 * and it joins the street over mutual TLS with the member's own keys. It reads the agent's log, so that the chain of
 * its statements goes on where the agent's ended, and writes nothing.
 *
 * The true agent that comes back does not know what was stated in its name: its log ends where it ended, so it takes
 * the same places in the chain again, contradicts the liar's statements and is found guilty with them. Stolen keys
 * cannot be told from their owner; the operator has to enrol the board anew. (A liar that is started twice contradicts
 * itself in the same way.)
 */
import { nodeCrypto, systemRandom } from "../../edge-agent/adapters/crypto.ts";
import { systemClock, systemTimers } from "../../edge-agent/adapters/clock.ts";
import { KeyFileError, readKeys } from "../../edge-agent/adapters/keys.ts";
import { readLog } from "../../edge-agent/adapters/ledger-read.ts";
import { loadMembership, type Membership } from "../../edge-agent/adapters/membership.ts";
import { createForwarder, type Forwarder } from "../../edge-agent/adapters/splice.ts";
import { readCsmsTls, readListenTls } from "../../edge-agent/adapters/tls-files.ts";
import type { Config, Environment } from "../../edge-agent/config.ts";
import { decodeEntry } from "../../edge-agent/record/entry.ts";
import { directoryOf } from "../../gossip/directory.ts";
import { decodeBody, type Statement } from "../../gossip/statement.ts";
import type { Crypto } from "../../models/crypto.ts";
import { epochOf, type Now, SECOND_MS, type WallMs } from "../../models/units.ts";
import { LiarLinks } from "./liar-links.ts";
import { LiarWords, type Said } from "./liar-words.ts";
import type { Behaviour } from "../sim/liars.ts";

export interface LiarOutput {
  /** One line about what it said. */
  said(line: string): void;
  /** One line about itself. */
  notice(line: string): void;
  readonly env: Environment;
}

/** What a replayer has of its own. */
const OLD_STATEMENTS = 8;
/** Eight times what a neighbour takes, in small portions. */
const JUNK_PER_S = 512;
const JUNK_EVERY_MS = 50;

/** Where the agent's chain ended. */
function readChain(stateDir: string, crypto: Crypto): { old: readonly Statement[]; checkpoint: Uint8Array } {
  const old: Statement[] = [];
  const { checkpoint } = readLog(stateDir, crypto, (stored) => {
    const decoded = decodeEntry(Uint8Array.from(stored.entry));
    if (!decoded.ok || decoded.value.kind !== "statement") return;
    const { signedBytes: bytes, signature } = decoded.value;
    const body = decodeBody(bytes);
    if (body === undefined) return;
    old.push({ body, bytes, signature });
    if (old.length > OLD_STATEMENTS) old.shift();
  });
  const note = checkpoint === undefined ? undefined : new TextEncoder().encode(checkpoint);
  return { old, checkpoint: note === undefined ? new Uint8Array(0) : crypto.sha256(note) };
}

export class Liar {
  /** Where the charger connects, as bound. */
  listening = "";
  readonly #config: Config;
  readonly #behaviour: Behaviour;
  readonly #output: LiarOutput;
  readonly #forwarder: Forwarder;
  readonly #links: LiarLinks;
  readonly #words: LiarWords;
  /** What was said since the last line, and how often. */
  readonly #told = new Map<string, number>();
  #cancelTick: () => void = () => undefined;
  #cancelJunk: () => void = () => undefined;

  /** @throws Error of one line: no mesh in the configuration, keys that are not the member's, a roster that is bad */
  constructor(config: Config, behaviour: Behaviour, output: LiarOutput) {
    this.#config = config;
    this.#behaviour = behaviour;
    this.#output = output;
    const crypto = nodeCrypto();
    const { roster, member, keys } = stolenMembership(config, crypto);
    const { old, checkpoint } = readChain(config.stateDir, crypto);
    this.#words = new LiarWords({
      behaviour, directory: directoryOf(roster, member.zone), station: member.station, crypto, old, checkpoint,
      signer: keys.signers.statement, earliest: 0 as WallMs, random: (bytes) => systemRandom.bytes(bytes),
      ...(old.length > 0 && { last: old.at(-1)! }),
    });
    const { env, notice } = output;
    const tls = readListenTls(config, env);
    this.#forwarder = createForwarder({
      listen: config.listen, csms: config.csms, csmsTls: readCsmsTls(config, env), ...(tls !== undefined && { tls }),
    }, () => undefined, notice);
    this.#links = new LiarLinks({ roster, member, keys }, config, {
      crypto, clock: systemClock, timers: systemTimers, random: systemRandom, notice, env,
    }, (topic, bytes, from) => this.#say(this.#words.hear({ topic, bytes, from }, now())));
  }

  async start(): Promise<void> {
    this.listening = (await this.#forwarder.start()).address;
    try {
      await this.#links.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#beginAtNextEpoch();
    if (this.#behaviour === "flood") this.#flood();
  }

  async stop(): Promise<void> {
    this.#cancelTick();
    this.#cancelJunk();
    await Promise.all([this.#links.stop(), this.#forwarder.stop()]);
  }

  #beginAtNextEpoch(): void {
    const epochMs = this.#config.epochS * SECOND_MS;
    const before = this.#epoch();
    this.#cancelTick = systemTimers.after(epochMs - (systemClock.wallMs() % epochMs), () => {
      // Node's timers may fire a millisecond early.
      if (this.#epoch() > before) {
        this.#say(this.#words.begin(now()));
        this.#report();
      }
      this.#beginAtNextEpoch();
    });
  }

  #epoch(): number {
    return epochOf(systemClock.wallMs(), this.#config.epochS);
  }

  #flood(): void {
    this.#cancelJunk = systemTimers.after(JUNK_EVERY_MS, () => {
      this.#say(this.#words.junk(Math.round((JUNK_PER_S * JUNK_EVERY_MS) / SECOND_MS)));
      this.#flood();
    });
  }

  #say(all: readonly Said[]): void {
    for (const said of all) {
      this.#links.say(said);
      const whom = said.half === undefined ? "" : ` to ${this.#links.half(said.half).join(", ") || "nobody"}`;
      const what = `${said.what}${whom}`;
      this.#told.set(what, (this.#told.get(what) ?? 0) + 1);
    }
  }

  /** A bench reads the beginning of the line, to see that it lied. */
  #report(): void {
    const told = [...this.#told].map(([what, count]) => `${count} x ${what}`).join("; ") || "nothing";
    this.#told.clear();
    this.#output.said(`epoch ${this.#epoch()}, ${this.#behaviour}, up to seq ${this.#words.seq - 1}: ${told}`);
  }
}

function now(): Now {
  return { wallMs: systemClock.wallMs(), monoMs: systemClock.monoMs() };
}

/** A thief has the keys, or nothing: none are made. */
function stolenMembership(config: Config, crypto: Crypto): Membership {
  const keys = readKeys(config.stateDir);
  if (keys === undefined) throw new KeyFileError(`${config.stateDir}/keys: found no keys; allowed: those of an agent`);
  const membership = loadMembership(config, crypto, keys);
  if (membership === undefined) throw new Error("mesh: found none; allowed: the configuration of a street's member");
  return membership;
}
