// The page of a whole street: its map, its incidents, and the acts as buttons. Behind each charger lies its agent's page.
import { $, ask, bytes, el, percent, scaleOf, show, svg, tag, time } from "./page.js";

const EVERY_MS = 2000;
const overview = $("overview");
/** The charger whose page is shown; undefined: the street itself. */
let chosen;
let street;

const stations = () => street.zones.flatMap((zone) => zone.stations);
const fromHash = () => stations().find(({ station }) => `#${encodeURIComponent(station)}` === location.hash)?.station;

function links() {
  const link = (to, text) => el("a", { href: `#${encodeURIComponent(to)}`, ...((chosen ?? "") === to && { "aria-current": "page" }) }, text);
  return [link("", "The street"), ...street.zones.map((zone) => el("span", {}, `${zone.id}: `,
    ...zone.stations.flatMap(({ station }) => [link(station, station), " "])))];
}

const STATES = { idle: "not played", waits: "waits", playing: "playing…", told: "as told", untold: "NOT as told" };
const LOOKS = { idle: "dim", waits: "dim", playing: "warn", told: "good", untold: "bad" };

function actRow({ id, name, told, state, observed, words, why }) {
  const button = el("button", why === undefined ? {} : { disabled: "" }, `Play act ${id}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const { code, answer } = await ask(`/api/acts/${id}`, {});
    if (code !== 202) says.textContent = answer.error;
    await look();
  });
  const says = el("p", { class: "dim", role: "status" }, why !== undefined && state === "idle" ? why : "");
  return el("li", {}, el("div", {}, button, " ", tag(LOOKS[state], STATES[state])), el("div", {}, el("strong", {}, name)),
    el("div", { class: "dim" }, `To be seen: ${told}`), ...(observed ? [el("div", { class: LOOKS[state] }, `Seen: ${observed}`)] : []),
    ...(words ? [el("div", {}, `In an agent's words: ${words}`)] : []), says);
}

// Half of a verdict, from where the agent's own log mentions it: of its many keys one is often a third of the way by chance.
const SUSPECTS = 0.5;
const KINDS = { away: "silent", affected: "affected", suspects: "suspects", charging: "charging", idle: "" };
const kindOf = ({ answers, affected, opinion, powerW }) => (!answers ? "away" : affected ? "affected"
  : opinion >= SUSPECTS ? "suspects" : (powerW ?? 0) > 1000 ? "charging" : "idle");
const WORDS = { away: "agent away", affected: "affected", suspects: "suspects", charging: "charging", idle: "quiet" };
const COLOURS = { away: "dim", affected: "bad", suspects: "warn", charging: "info", idle: "good" };

function mapOf(zone) {
  const scale = scaleOf(zone.stations, 300);
  return svg("svg", { viewBox: `0 0 ${scale.width} ${scale.height + 24}`, role: "group", "aria-label": `map of ${zone.id}` },
    ...zone.stations.map((one) => {
      const [x, y] = scale.at(one);
      const kind = kindOf(one);
      const power = one.powerW === undefined ? "" : `${Math.round(one.powerW / 1000)} kW`;
      return svg("a", { href: `#${encodeURIComponent(one.station)}`, "aria-label": `${one.station}: ${WORDS[kind]}, ${power}` },
        svg("title", {}, `${one.station}: ${WORDS[kind]}`), svg("circle", { class: `dot ${KINDS[kind]}`, cx: x, cy: y, r: 9 }),
        svg("text", { x, y: y + 22, "text-anchor": "middle" }, one.station), svg("text", { x, y: y + 34, "text-anchor": "middle" }, power));
    }));
}

function tableOf(zone) {
  const cells = (one) => [
    el("td", {}, one.liar ? tag("bad", "a liar's") : tag(COLOURS[kindOf(one)], WORDS[kindOf(one)])),
    el("td", {}, one.powerW === undefined ? "" : `${(one.powerW / 1000).toFixed(1)} kW`),
    el("td", {}, one.opinion > 0 ? `${one.leansTo} ${one.opinion.toFixed(2)}` : "nothing"),
    el("td", { class: "wide" }, one.residentBytes > 0 ? bytes(one.residentBytes) : ""),
  ];
  return el("div", { class: "scroll", tabindex: "-1" }, el("table", {}, el("caption", { class: "dim" }, `Chargers of ${zone.id}`),
    el("thead", {}, el("tr", {}, ...["Charger", "State", "Power", "Leans to believe", "Memory"].map((name) =>
      el("th", { scope: "col", ...(name === "Memory" && { class: "wide" }) }, name)))),
    el("tbody", {}, ...zone.stations.map((one) => el("tr", {}, el("th", { scope: "row" },
      el("a", { href: `#${encodeURIComponent(one.station)}` }, one.station)), ...cells(one))))));
}

function incidentRow(one) {
  const where = one.scope === "station" ? one.stations.join(", ") : one.scope === "zone" ? one.zone : one.region;
  return el("li", {}, tag(one.open ? one.severity : "info", one.open ? one.severity : "over"), el("strong", {}, one.threat),
    ` ${where}, ${percent(one.confidence)} sure, since ${time(one.onset)}. ${one.summary} `,
    el("span", { class: "dim" }, `Told by ${one.agents.length} agent${one.agents.length > 1 ? "s" : ""}: `),
    ...one.agents.flatMap((id) => [el("a", { href: `#${encodeURIComponent(id)}` }, id), " "]));
}

/** Drawn anew only for what differs, so that a focus stays where it is. */
const last = {};
function put(id, value, make) {
  const says = JSON.stringify(value);
  if (last[id] === says) return;
  const focused = document.activeElement?.closest?.(`#${id} button, #${id} a`);
  const index = focused ? [...$(id).querySelectorAll("button, a")].indexOf(focused) : -1;
  last[id] = says;
  $(id).replaceChildren(...make());
  if (index >= 0) $(id).querySelectorAll("button, a")[index]?.focus();
}

function drawOverview() {
  const { zones, acts, incidents } = street;
  const open = incidents.filter((one) => one.open).length;
  $("who").textContent = `${street.title}`;
  $("state").textContent = `${stations().length} chargers in ${zones.length} zones; ${open === 0 ? "no incident is open" : `${open} open`}`;
  document.title = `${open > 0 ? `(${open}) ` : ""}the street · kerbwatch`;
  put("acts", acts, () => acts.map(actRow));
  put("maps", zones, () => zones.flatMap((zone) => [el("h3", {}, zone.id), mapOf(zone), tableOf(zone)]));
  put("all-incidents", incidents, () => (incidents.length === 0 ? [el("li", { class: "good" }, "None so far.")] : incidents.map(incidentRow)));
}

async function look() {
  try {
    const { code, answer } = await ask("/api/street");
    if (code !== 200) return void ($("state").textContent = answer.error);
    street = answer;
    choose();
    if (chosen === undefined) drawOverview();
  } catch {
    $("state").textContent = "The street is no longer there";
  }
}

function choose() {
  const before = chosen;
  const first = overview.dataset.drawn === undefined;
  if (location.hash !== "#main") chosen = fromHash();
  put("street", [chosen, stations().map(({ station }) => station)], links);
  if (!first && before === chosen) return;
  overview.dataset.drawn = "";
  overview.hidden = chosen !== undefined;
  void show(chosen === undefined ? undefined : `/house/${encodeURIComponent(chosen)}/api/`);
}

addEventListener("hashchange", () => {
  if (street === undefined) return;
  choose();
  if (chosen === undefined) drawOverview();
  $("main").focus();
});
setInterval(() => {
  if (!document.hidden) void look();
}, EVERY_MS);
void look();
