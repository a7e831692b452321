/** Which names mark a secret or an idToken, in configuration and in any other JSON. */

/**
 * Standard: AuthorizationKey (1.6), BasicAuthPassword, apnPassword, apnUserName, simPin, csr, exiRequest, exiResponse
 * and signedMeterData (2.0.1; the last may hold the idToken). The rest are makers' habits: better a harmless value
 * hidden than a password shown.
 */
const SECRET_NAME = new RegExp([
  "passw", "passphrase", "passcode", "pass$", "pwd?$", "secret", "credential", "psk", "pincode", "^pin$",
  "sim[-_]?p(in|uk)", "username", "bearer", "^csr$", "^exi(request|response)$", "^signedmeterdata$",
  // Any key (of a Wi-Fi, an API, a VPN), but not the `key` that names a setting, nor the lists of such keys.
  "(?<!^|configuration|unknown)[-_]?key$", "(auth(orization|entication)?|api|private|vpn|access|shared)[-_]?key",
].join("|"), "i");

/** Names under which a driver's identity travels: idTag, idToken, eMAID and makers' words for them. */
const TOKEN_NAME = new RegExp([
  "id[-_]?tag", "id[-_]?token", "^token", "tokens?$", "rfid", "^uid$", "card[-_]?(id|uid|no|number)", "emaid", "evcoid",
  "contract[-_]?id", "customer[-_]?id", "masterpass", "freevend", "^vid$",
].join("|"), "i");

/** Names that match the above and hold no identity: the idTags inside an idTagInfo match by themselves. */
const NOT_A_TOKEN = /(info|type|enabled|allowed|length|limit|status)$/i;

/** True where a JSON member or a configuration variable of this name holds a password or a key. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** True where a JSON member or a configuration variable of this name holds an idToken. */
export function isTokenName(name: string): boolean {
  return TOKEN_NAME.test(name) && !NOT_A_TOKEN.test(name);
}

/** True where the value of a configuration key or variable of this name is never carried, recorded or shown. */
export function isHiddenVariable(name: string): boolean {
  return isSecretName(name) || isTokenName(name);
}

/** A text that is one URL: its password may hold even a space or a quotation mark. */
const WHOLE_URL = /^(\s{0,8}[a-z][a-z0-9+.-]{0,15}:\/\/)[^]*@/i;

/** One word: user information goes, up to the last `@` (passwords with `/` and `@` are seen), and so does a query. */
function wordWithoutCredentials(word: string): string {
  const scheme = word.indexOf("://");
  const at = word.lastIndexOf("@");
  const from = scheme >= 0 && scheme < at ? scheme + 3 : 0;
  const bare = scheme < 0 && !word.slice(0, Math.max(at, 0)).includes(":");
  const shown = at < 0 || bare ? word : `${word.slice(0, from)}<credentials>${word.slice(at)}`;
  // Signed upload addresses carry their permission in the query.
  const query = shown.includes("://") ? shown.indexOf("?") : -1;
  return query < 0 ? shown : `${shown.slice(0, query)}?<query>`;
}

/** The text with user names, passwords and queries of all URLs in it taken out. Linear in its length. */
export function withoutCredentials(text: string): string {
  if (!text.includes("@") && !text.includes("?")) return text;
  return text.replace(WHOLE_URL, "$1<credentials>@").replace(/[^\s"']+/g, wordWithoutCredentials);
}
