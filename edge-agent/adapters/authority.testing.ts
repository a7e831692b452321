/** Certificates for tests, made by the openssl command. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** As an operator makes it: `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256`. */
export function pinOf({ cert }: Pair): string {
  const pem = execFileSync("openssl", ["x509", "-pubkey", "-noout"], { input: cert, encoding: "utf8" });
  return createHash("sha256").update(Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ""), "base64")).digest("hex");
}

/** A throw-away authority, and certificates that it signed. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), "kerbwatch-ca-"));
  readonly cert: string;

  constructor(name: string) {
    this.#openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", `/CN=${name}`, "-keyout", "ca.key", "-out", "ca.pem");
    this.cert = this.#read("ca.pem");
    process.once("exit", () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  issue(altName: string): Pair {
    writeFileSync(join(this.#folder, "ext"), `subjectAltName=${altName}\n`);
    this.#openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=leaf",
      "-keyout", "leaf.key", "-out", "leaf.csr");
    this.#openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
      "-days", "2", "-extfile", "ext", "-out", "leaf.pem");
    return { cert: this.#read("leaf.pem"), key: this.#read("leaf.key") };
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), "utf8");
  }
}
