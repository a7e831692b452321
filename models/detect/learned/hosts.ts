/** What the hosts that a CSMS names look like. */

/** Transports that protect nothing (OCPP 1.6 and 2.0.1 allow FTP, FTPS, HTTP, HTTPS, SFTP). */
const PLAIN_TEXT = new Set(["http", "ftp", "tftp", "ws"]);
const MOST_HOSTS = 16;

export function isPlainText(scheme: string): boolean {
  return PLAIN_TEXT.has(scheme);
}

/** An IPv4 or IPv6 literal instead of a name, with or without a port. */
export function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}(:\d+)?$/.test(host) || host.startsWith("[");
}

/** Adds a host to a bounded list of those known; the oldest leaves. */
export function knowHost(hosts: string[], host: string): void {
  if (hosts.includes(host)) return;
  hosts.push(host);
  if (hosts.length > MOST_HOSTS) hosts.shift();
}
