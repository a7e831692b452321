/** nginx `stream` and HAProxy (Debian: nginx-light, libnginx-mod-stream, haproxy) as relays to compare with. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../bench/street-ports.ts";
import type { Tls, Way } from "./relays.ts";

export const PROXIES = ["nginx stream", "HAProxy"] as const;
export type Proxy = (typeof PROXIES)[number];

interface Files {
  readonly folder: string;
  readonly port: number;
  readonly way: Way;
}

interface Kind {
  readonly binaries: readonly string[];
  /** The text of the configuration; both are one process with one thread, as the others are. */
  config(files: Files): string;
  args(configFile: string, folder: string): string[];
}

/** Beside its address in the certificate of the CSMS: nginx verifies names alone. */
export const HOST_NAME = "csms.example";

const NGINX_STREAM_MODULES = [
  "/usr/lib/nginx/modules/ngx_stream_module.so", "/usr/lib64/nginx/modules/ngx_stream_module.so",
];

const KINDS: Record<Proxy, Kind> = {
  "nginx stream": {
    binaries: ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"],
    config: ({ folder, port, way: { csmsPort, tls } }) => `
${NGINX_STREAM_MODULES.filter((path) => existsSync(path)).map((path) => `load_module ${path};`).join("\n")}
daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 1024; }
stream {
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"}; proxy_pass 127.0.0.1:${csmsPort}; tcp_nodelay on;
    ${tls === undefined ? "" : `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
    proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate ${folder}/ca.pem; proxy_ssl_name ${HOST_NAME};
    ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_protocols TLSv1.2 TLSv1.3;`}
  }
}
`,
    args: (configFile, folder) => ["-p", folder, "-c", configFile, "-e", join(folder, "nginx.log")],
  },
  "HAProxy": {
    binaries: ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy"],
    config: ({ folder, port, way: { csmsPort, tls } }) => `
global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen charger
  bind 127.0.0.1:${port}${tls === undefined ? "" : ` ssl crt ${folder}/both.pem`}
  server csms 127.0.0.1:${csmsPort}${tls === undefined ? "" : ` ssl verify required ca-file ${folder}/ca.pem`}
`,
    args: (configFile) => ["-db", "-f", configFile],
  },
};

/** The file of the program; undefined where it is not installed. */
export function binaryOf(proxy: Proxy): string | undefined {
  return KINDS[proxy].binaries.find((path) => existsSync(path));
}

function writePem(folder: string, { cert, key, ca }: Tls): void {
  const files = { "cert.pem": cert, "key.pem": key, "ca.pem": ca, "both.pem": `${cert}${key}` };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

/** Relays of Node end with this process; proxies would outlive it. */
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Files go to `parent`. Rejects when it does not come up, and says what the program said. */
export async function startProxy(
  proxy: Proxy, way: Way, parent: string,
): Promise<{ child: ChildProcess; port: number }> {
  const binary = binaryOf(proxy);
  if (binary === undefined) throw new Error(`${proxy} is not installed`);
  const port = await freePort();
  const folder = join(parent, `${proxy.replace(" ", "-")}-${port}`);
  mkdirSync(folder, { recursive: true });
  if (way.tls !== undefined) writePem(folder, way.tls);
  const configFile = join(folder, "proxy.conf");
  writeFileSync(configFile, KINDS[proxy].config({ folder, port, way }));
  const child = spawn(binary, KINDS[proxy].args(configFile, folder), { stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let said = "";
  child.stderr.on("data", (chunk) => {
    said = `${said}${chunk}`.slice(-500);
  });
  child.on("error", () => undefined);
  for (let tried = 0; tried < TRIES && child.exitCode === null; tried++) {
    if (await answers(port)) return { child, port };
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
  child.kill("SIGKILL");
  throw new Error(`${proxy} did not start: ${said.trim().split("\n").at(-1) ?? ""}`);
}

const TRIES = 100;
const TRY_MS = 50;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const done = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}
