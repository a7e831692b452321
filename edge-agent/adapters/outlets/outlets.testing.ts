/** Alerts, receivers and times for the outlets' tests. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alert } from "../../../models/terms.ts";
import type { ContentHash } from "../../../models/units.ts";
import { HOST } from "../mesh.testing.ts";

const parent = mkdtempSync(join(tmpdir(), "kerbwatch-outlets-"));
process.once("exit", () => rmSync(parent, { recursive: true, force: true }));

/** Gone when the test file ends. */
export const freshFolder = (): string => mkdtempSync(join(parent, "x"));

const DEFAULTS: Alert = {
  schemaVersion: "1.0", time: "2026-03-01T09:00:20.000Z", incidentId: "0123456789abcdef", state: "raised",
  scope: "zone", threat: "load-manipulation", region: "example", zone: "feeder-7", stations: ["CP-001", "CP-004"],
  onset: "2026-03-01T08:57:00.000Z", severity: "high", confidence: 0.97,
  summary: "14 of 20 chargers on feeder-7 started within 8 s; 0.4 would be usual.",
  explanation: [
    { term: "simultaneous starts", value: 31.2, share: 0.8 }, { term: "power step", value: 7.8, share: 0.2 },
  ],
  evidence: [`sha256:${"a".repeat(64)}` as ContentHash], nextStep: "Check who sent the set-points.", agent: "CP-001",
};

export const alertWith = (of: Partial<Alert> = {}): Alert => ({ ...DEFAULTS, ...of });

/**
 * What a vendor's string may hold, and must not break out of: markup, quotes, separators, controls, half characters.
 */
export const HOSTILE = `<script>alert(1)</script>"]\\|=\r\n<13>1 - forged\u2028\u202eevil\ud800 %n {{x}} ]"`;

/** Where it is installed; undefined where it is not. */
export const program = (...paths: string[]): string | undefined =>
  paths.find((path) => spawnSync(path, ["--version"]).error === undefined);

/** A program of somebody else. */
export class Receiver {
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown>;
  said = "";

  constructor(path: string, args: readonly string[], env = process.env) {
    this.child = spawn(path, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#exited = once(this.child, "exit");
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (text) => void (this.said += String(text)));
    }
  }

  /** Once it takes connections. */
  async listening(port: number): Promise<void> {
    for (let tries = 0; tries < 400; tries += 1) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.said}`);
      if (await canConnect(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`nobody listens on ${port}: ${this.said}`);
  }

  async stop(): Promise<void> {
    this.child.kill();
    await this.#exited;
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

const CERTIFICATE = `
import datetime, ipaddress, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
day, now = datetime.timedelta(days=1), datetime.datetime.utcnow()
made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
  .serial_number(x509.random_serial_number()).not_valid_before(now - 9 * day)
  .not_valid_after(now + (-2 if sys.argv[3] == "true" else 9) * day)
  .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
  .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
open(sys.argv[1], "wb").write(made.public_bytes(s.Encoding.PEM))
open(sys.argv[2], "wb").write(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
`;

/** A key and a certificate for 127.0.0.1, signed by itself, by Debian's python3-cryptography. PEM files. */
export function selfSigned(folder: string, name: string, isOver = false): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const { status, stderr } = spawnSync("/usr/bin/python3", ["-c", CERTIFICATE, cert, key, String(isOver)],
    { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return { cert, key };
}

/** A receiver's certificate: what it is, whether it is over, whether the outlet trusts it, and what comes of it. */
export const CERTIFICATES = [
  ["that is trusted", false, true, /^taken$/], ["of a stranger", false, false, /self-signed/],
  ["that is over", true, true, /expired/],
] as const;

/** The PEM text that an outlet trusts: the certificate of that name, or one that nobody has. */
export const trustedCa = (folder: string, name: string | false): string =>
  readFileSync(name === false ? selfSigned(folder, "other").cert : join(folder, `${name}.crt`), "utf8");

export const hasCertificates = spawnSync("/usr/bin/python3", ["-c", "import cryptography"]).status === 0;
