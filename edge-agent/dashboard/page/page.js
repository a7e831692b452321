// The page of an agent. Whatever comes from outside is put in as text, never as markup. Where the body says so, the page
// of a street (street.js, served by `npm start -- --stay`) begins instead, and shows this one for one charger at a time.
export const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const EVERY_MS = 3000;
/** Where the agent answers; undefined while none is shown. */
let base;
let person;

/** An element with attributes and children; text is text. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== "").map(plain));
  return made;
}
// Controls, and what turns the direction of reading: a vendor's string must not change how the rest of a line reads.
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
function plain(child) {
  return typeof child === "string" ? child.replace(UNSAFE, " ") : child;
}
export function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
export const tag = (kind, text = kind) => el("span", { class: `tag ${kind}` }, text);
const rows = (id, pairs) => $(id).replaceChildren(...pairs.filter(([, value]) => value !== undefined)
  .flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, value)]));
export const time = (text) => new Date(text).toISOString().slice(0, 19).replace("T", " ") + " UTC";
export const percent = (share) => (share > 0.99 && share < 1 ? "over 99 %" : `${Math.round(share * 100)} %`);
const kilo = (wh) => `${(wh / 1000).toFixed(2)} kWh`;
export const bytes = (n) => `${(n / 1048576).toFixed(0)} MB`;

export async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "X-Kerbwatch": "page" }, body: JSON.stringify(body) };
  const response = await fetch(path.startsWith("/") ? path : base + path, options);
  const answer = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  return { code: response.status, answer };
}

function showEnter(is) {
  $("enter").hidden = !is;
  $("all").hidden = is;
  $("leave").hidden = is || document.body.dataset.street !== undefined;
  if (is) $("state").textContent = "Not signed in";
}

const LINKS = { "connected": "charger and CSMS connected", "waiting": "no charger connected",
  "csms-away": "CSMS out of reach", "relay-only": "frames pass, none is read" };

function drawLine({ link, agent, clock, frames }) {
  const delay = link.delayUs && `${Math.round(link.delayUs.p50)} µs median, ${Math.round(link.delayUs.p99)} µs at the 99th percentile`;
  const skipped = Object.values(link.unparsed).reduce((sum, n) => sum + n, 0);
  rows("line", [
    ["State", el("span", { class: link.state === "connected" ? "good" : "warn" }, LINKS[link.state] ?? link.state)],
    ["Bypassed", link.bypassed && el("strong", { class: "bad" }, `since ${time(link.bypassed.since)}, by ${link.bypassed.order}`)],
    ["CSMS", link.csms], ["OCPP", link.ocppVersion], ["Mode", agent.mode],
    ["Delay added", delay ?? "nothing passed yet"],
    ["Frames", `${link.framesFromStation} from the charger, ${link.framesFromCsms} from the CSMS, ${skipped} unread`],
    ["Beside it", frames && `${frames.from}: ${frames.state}`],
    ["Clock", `${clock.state}${clock.aheadOfCsmsMs === undefined ? "" : `, ${Math.abs(clock.aheadOfCsmsMs / 1000).toFixed(1)} s ${clock.aheadOfCsmsMs < 0 ? "behind" : "ahead of"} the CSMS`}`],
  ]);
}

/** A line through points of [0, 1] by [0, 1], in a box of 300 by 100. */
const path = (points) => points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${(54 + 241 * x).toFixed(1)},${(90 - 80 * y).toFixed(1)}`).join("");

function plot(label, history, series, unit, top = 0) {
  const [from, to] = [history[0].at, history.at(-1).at];
  const most = Math.max(1e-9, top, ...series.flatMap(({ of }) => history.map((point) => of(point) ?? 0)));
  const lines = series.map(({ of, line }) => svg("path", { class: line, d: path(history.filter((p) => of(p) !== undefined)
    .map((p) => [to === from ? 1 : (p.at - from) / (to - from), of(p) / most])) }));
  return svg("svg", { viewBox: "0 0 300 112", role: "img", "aria-label": label },
    svg("line", { class: "axis", x1: 54, y1: 90, x2: 295, y2: 90 }), svg("line", { class: "axis", x1: 54, y1: 10, x2: 54, y2: 90 }),
    svg("text", { x: 2, y: 14 }, unit(most)), svg("text", { x: 2, y: 93 }, unit(0)),
    svg("text", { x: 54, y: 106 }, time(from).slice(11, 16)), svg("text", { x: 262, y: 106 }, time(to).slice(11, 16)), ...lines);
}

function drawEnergy({ status: { meters }, history }) {
  const last = history.at(-1) ?? {};
  const text = `By the agent's meter ${kilo(last.meterWh ?? 0)}, reported by the charger ${kilo(last.reportedWh ?? 0)}`;
  const parts = [el("p", {}, meters.length === 0 ? "No meter is configured: what is delivered is only known from the charger." : text)];
  if (history.length > 1) {
    parts.push(plot(text, history, [{ of: (p) => p.meterWh, line: "line-0" }, { of: (p) => p.reportedWh, line: "line-1" }], kilo),
      legend(["by the agent's meter", "reported by the charger"]),
      el("p", { class: "dim" }, "Since the agent's start, two hours at most."));
  }
  parts.push(el("ul", {}, ...meters.map((m) => el("li", {}, `EVSE ${m.evse}, ${m.model}: `,
    el("span", { class: m.state === "reading" ? "good" : "warn" }, m.state),
    m.powerW === undefined ? "" : `, ${Math.round(m.powerW)} W`, m.why === undefined ? "" : ` (${m.why})`))));
  $("energy").replaceChildren(...parts);
}

const MOST_LINES = 3;
/** The keys whose opinion was highest at any time that is remembered. */
function strongestOf(history) {
  const most = new Map();
  for (const { opinions = {} } of history) for (const [key, v] of Object.entries(opinions)) most.set(key, Math.max(v, most.get(key) ?? 0));
  return [...most].sort((a, b) => b[1] - a[1]).slice(0, MOST_LINES).map(([key]) => key);
}
const legend = (names) => el("p", { class: "dim" }, ...names.flatMap((name, n) => [svg("svg", { class: "key", viewBox: "0 0 24 8",
  "aria-hidden": "true" }, svg("path", { class: `line-${n}`, d: "M0 4H24" })), ` ${name} `]));

function drawBeliefs({ status: { beliefs, learned }, history }) {
  const list = beliefs.map(({ key, opinion, says }) => el("div", {}, el("div", {}, `${key} ${opinion.toFixed(2)} `, el("span", { class: "dim" }, says)),
    el("meter", { min: 0, max: 1, high: 0.9, value: opinion, "aria-label": `opinion on ${key}` })));
  const keys = strongestOf(history);
  const over = history.length < 2 ? [] : keys.length === 0 ? [el("p", { class: "dim" }, "Nor was anything, these two hours at most.")]
    : [el("h3", {}, "Over time"), plot(`opinions over time: ${keys.join(", ")}`, history, keys.map((key, n) =>
      ({ of: (p) => p.opinions?.[key] ?? 0, line: `line-${n}` })), (v) => v.toFixed(1), 1), legend(keys)];
  $("beliefs").replaceChildren(...(list.length > 0 ? list : [el("p", { class: "good" }, "Nothing is suspected.")]), ...over,
    el("p", { class: "dim" }, `${learned.days.toFixed(1)} days of normal are learned; 1 is a verdict.`));
}

/** `labels`: those that were put already; one that would lie on another is left out, and the table has it. */
function dotOf(member, place, affected, own, scale, labels) {
  const kind = member.guilty ? "guilty" : affected ? "affected" : member.suspected ? "silent" : "";
  const [x, y] = scale.at(place);
  const says = `${member.station}: ${kind || "good"}, trust ${member.trust / 10} %`;
  const isFree = labels.every((at) => Math.abs(at[0] - x) > 6.5 * Math.max(member.station.length, at[2]) || Math.abs(at[1] - y) > 13);
  if (isFree) labels.push([x, y, member.station.length]);
  return svg("g", {}, svg("title", {}, says), svg("circle", { class: `dot ${kind}${member.station === own ? " own" : ""}`, cx: x, cy: y,
    r: 4 + 4 * member.trust / 1000 }), ...(isFree ? [svg("text", { x, y: y + 19, "text-anchor": "middle" }, plain(member.station))] : []));
}

/** From places to points of a box of this width, north up; `height` says how high it comes to be, 120 at most. */
export function scaleOf(places, width = 260) {
  const span = (key) => [Math.min(...places.map((p) => p[key])), Math.max(...places.map((p) => p[key]))];
  const [[south, north], [west, east]] = [span("latE6"), span("lonE6")];
  const squeeze = Math.cos((south + north) / 2e6 * Math.PI / 180); // a degree of longitude is shorter than one of latitude
  const unit = Math.max(1, (north - south) / 80, (east - west) * squeeze / (width - 60));
  const height = (north - south) / unit + 40;
  const at = (p) => [width / 2 + (p.lonE6 - (west + east) / 2) * squeeze / unit, 20 + (north - p.latE6) / unit];
  return { at, height, width };
}

/** Its own opinion and what the zone made of it. */
function zoneOverTime(history) {
  const [first, last] = [history[0], history.at(-1)];
  if (history.length < 2 || last.certified === undefined) return [];
  const own = (p) => Math.max(0, ...Object.values(p.opinions ?? {}));
  return [el("h3", {}, "Over time"), plot(`own opinion and certified incidents of the zone from ${time(first.at)} to ${time(last.at)}`, history,
    [{ of: own, line: "line-0" }, { of: (p) => p.certified ?? 0, line: "line-1" }], (v) => v.toFixed(0), 1),
  legend(["this charger's highest opinion", "incidents that the zone certified"])];
}

function drawZone({ status: { mesh, agent }, places, incidents, history }) {
  $("zone-part").hidden = mesh === undefined;
  if (mesh === undefined) return;
  const affected = new Set(incidents.filter((one) => one.open && one.scope === "zone").flatMap((one) => one.stations));
  const [scale, labels] = [places.length > 0 ? scaleOf(places) : undefined, []];
  const dots = scale ? mesh.members.flatMap((m) => places.filter((p) => p.station === m.station)
    .map((p) => dotOf(m, p, affected.has(m.station), agent.station, scale, labels))) : [];
  const table = el("table", {}, el("caption", { class: "dim" }, "Members of the zone"),
    el("thead", {}, el("tr", {}, ...["Station", "Heard", "Trust", "Affected"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...mesh.members.map((m) => el("tr", {}, el("th", { scope: "row" }, m.station),
      el("td", { class: m.suspected ? "warn" : "" }, m.suspected ? `silent for ${m.silentEpochs} epochs` : "yes"),
      el("td", { class: m.guilty ? "bad" : "" }, m.guilty ? "contradicted itself" : `${m.trust / 10} %`), el("td", {}, affected.has(m.station) ? "yes" : "")))));
  $("zone").replaceChildren(el("p", {}, `${mesh.zone}: ${mesh.n} members, ${mesh.f} may lie or be broken; a quorum is ${mesh.quorum}. `
    + `Links up: ${mesh.links.filter((l) => l.up).length} of ${mesh.links.length}. Roster ${mesh.rosterVersion}.`),
  ...(dots.length > 0 ? [svg("svg", { viewBox: `0 0 ${scale.width} ${scale.height}`, role: "img", "aria-label": "map of the zone; the table below says the same" }, ...dots)] : []),
  ...zoneOverTime(history), el("div", { class: "scroll" }, table));
}

function drawLog({ status: { log }, witnesses }) {
  rows("log", [
    ["State", el("span", { class: log.state === "good" ? "good" : "bad" }, log.state, log.why ? `: ${log.why}` : "")],
    ["Entries", String(log.entries)], ["Checkpoint", log.checkpointAt ? time(log.checkpointAt) : "none yet"], ["Root", log.root],
    ["Cosigned by", witnesses.length === 0 ? "nobody: no neighbours witness it"
      : el("ul", {}, ...witnesses.map((w) => el("li", { class: w.forked ? "bad" : "" }, `${w.station}: up to entry ${w.holds}${w.forked ? ", its own log is forked" : ""}`)))],
  ]);
}

function drawBoard({ status: { agent, outlets, certificates = [] }, board }) {
  const share = agent.residentBytes / board.memoryBytes;
  rows("board", [
    ["Memory", el("span", {}, `${bytes(agent.residentBytes)} of ${bytes(board.memoryBytes)} `,
      el("meter", { min: 0, max: 1.5, high: 1, value: share.toFixed(2), "aria-label": "memory against the board's budget" }))],
    ["Processor", agent.cpuS === undefined ? undefined : `${agent.cpuS.toFixed(0)} s in ${(agent.uptimeS / 3600).toFixed(1)} h (${(100 * agent.cpuS / Math.max(1, agent.uptimeS)).toFixed(1)} %)`],
    ["Version", agent.version],
    ...certificates.map(({ use, ends }) => [use, `own certificate ends ${time(ends)}`]),
    ["Outlets", el("ul", {}, ...outlets.map((o) => el("li", { class: o.dropped > 0 || o.waiting ? "warn" : "" },
      `${o.name}: ${o.sent} sent${o.waiting ? `, ${o.waiting} waiting` : ""}${o.dropped ? `, ${o.dropped} dropped` : ""}${o.lastError && (o.waiting || o.dropped) ? ` (${o.lastError})` : ""}`)))],
  ]);
}

const drawn = new Map();
/** Built once for what it says: what somebody has opened, or types into, stays as it is. */
function incidentBox(one, catalogue) {
  const says = JSON.stringify([one, person]);
  const before = drawn.get(one.incidentId);
  if (before?.says === says || before?.box.contains(document.activeElement)) return before.box;
  const about = catalogue[one.threat] ?? {};
  const label = one.open ? one.severity : "info";
  const word = !one.open ? "over" : one.declared ? "declared" : one.severity;
  const box = el("details", { "data-incident": one.incidentId }, el("summary", {}, tag(label, word), el("strong", {}, one.threat),
    ` ${one.scope === "station" ? one.stations.join(", ") : one.scope === "zone" ? one.zone : one.region}, ${percent(one.confidence)} sure, since ${time(one.onset)}. ${one.summary}`));
  if (before?.box.open) box.open = true;
  box.append(el("h3", {}, "Why"), ...one.explanation.map(({ term, share }) => el("div", {}, `${term} ${percent(share)}`,
    el("meter", { min: 0, max: 1, value: Math.max(0, share), "aria-label": term }))));
  if (one.stations.length > 0) box.append(el("p", {}, `Stations: ${one.stations.join(", ")}`));
  box.append(el("h3", {}, "What to do"), el("p", {}, one.nextStep));
  if (about.means) box.append(el("h3", {}, "What it means"), el("p", {}, about.means), el("h3", {}, "Innocent causes"), el("ul", {}, ...about.innocent.map((text) => el("li", {}, text))));
  if (one.certificate) box.append(el("p", {}, `Certified in epoch ${one.certificate.epoch} by a quorum of ${one.certificate.quorum}, roster ${one.certificate.rosterVersion}: `, el("code", {}, one.certificate.file)));
  if (one.handled) box.append(el("p", { class: "good" }, `${one.handled.action === "close" ? "Closed" : "Acknowledged"} by ${one.handled.by} at ${time(one.handled.at)}: ${one.handled.reason}`));
  box.append(storyPart(one), ...(one.open && person?.role === "operator" ? [answerForm(one)] : []));
  drawn.set(one.incidentId, { says, box });
  return box;
}

function storyPart({ incidentId }) {
  const out = el("div", { "aria-live": "polite" });
  const button = el("button", { type: "button" }, "Frames and certificate");
  button.addEventListener("click", async () => {
    button.disabled = true;
    out.replaceChildren(el("p", { class: "dim" }, "Reading the log…"));
    const { code, answer } = await ask(`incidents/${incidentId}`);
    button.disabled = false;
    if (code !== 200) return out.replaceChildren(el("p", { class: "wrong" }, answer.error));
    out.replaceChildren(el("h3", {}, `Frames (${answer.frames.length}), redacted`),
      ...answer.frames.slice(0, 20).map((frame) => el("pre", {}, `${frame.time} ${frame.direction}\n${frame.text}`)),
      ...(answer.certificates ?? []).map((one) => el("pre", {}, JSON.stringify(one, null, 1).slice(0, 4000))),
      ...(answer.missing.length > 0 ? [el("p", { class: "warn" }, `${answer.missing.length} entries are no longer in the log`)] : []));
  });
  return el("div", {}, button, out);
}

function answerForm({ incidentId, scope }) {
  const id = `reason-${incidentId.slice(0, 16)}`;
  const input = el("input", { type: "text", id, maxlength: 300, required: "" });
  const out = el("p", { class: "wrong", role: "alert" });
  const form = el("form", {}, el("label", { for: id }, "Your answer, with the reason"), input);
  for (const action of scope === "station" ? ["acknowledge", "close"] : ["acknowledge"]) {
    form.append(el("button", { value: action }, action === "close" ? "Close" : "Acknowledge"), " ");
  }
  form.append(out);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { code, answer } = await ask(`incidents/${incidentId}/${event.submitter?.value ?? "acknowledge"}`, { reason: input.value });
    out.textContent = code === 200 ? "" : answer.error;
    if (code !== 200) return;
    document.activeElement?.blur();
    await refresh();
  });
  return form;
}

const MOST_SHOWN = 50;
function drawIncidents({ incidents, catalogue }) {
  const boxes = incidents.slice(0, MOST_SHOWN).map((one) => incidentBox(one, catalogue));
  for (const id of drawn.keys()) if (!incidents.some((one) => one.incidentId === id)) drawn.delete(id);
  const same = [...$("incidents").children].every((child, i) => child === boxes[i]) && $("incidents").children.length === boxes.length;
  if (boxes.length === 0) $("incidents").replaceChildren(el("p", { class: "good" }, "None is open."));
  else if (!same) $("incidents").replaceChildren(...boxes);
}

function drawDeclared({ declared = [] }) {
  $("bring").hidden = person.role === "auditor";
  const rows = declared.map((one) => el("li", {}, el("strong", {}, one.changes.join(", ")), ` ${one.stations.length > 0 ? `at ${one.stations.join(", ")}` : "everywhere here"}, `
    + `${time(one.from)} to ${time(one.to)}, by ${one.by}: ${one.reason} `, tag(one.holds > 0 ? "warn" : "dim", `holds ${one.holds}`)));
  $("declared").replaceChildren(...(rows.length > 0 ? rows : [el("li", { class: "dim" }, "Nothing is foreseen.")]));
}

$("word").addEventListener("change", async () => {
  const [file] = $("word").files;
  if (file === undefined) return;
  const bytes = file.size > 4096 ? [] : new Uint8Array(await file.arrayBuffer());
  const { code, answer } = await ask("word", { word: btoa(String.fromCharCode(...bytes)) });
  $("taken").className = code === 200 ? "good" : "wrong";
  $("taken").textContent = plain(code === 200 ? `Taken: ${answer.says}` : answer.error);
  $("word").value = "";
  await refresh();
});

function drawNotices({ status: { faults = [], notices } }) {
  const all = [...faults.map((f) => el("li", { class: "warn" }, `Fault${f.evse > 0 ? ` at EVSE ${f.evse}` : ""}: ${f.says}, since ${time(f.since)}`)),
    ...[...notices].reverse().slice(0, 20).map((text) => el("li", {}, text))];
  $("notices").replaceChildren(...(all.length > 0 ? all : [el("li", { class: "good" }, "None.")]));
}

function draw(state) {
  const { status } = state;
  const open = state.incidents.filter((one) => one.open).length;
  $("who").textContent = `${status.agent.station} in ${status.agent.zone}`;
  $("state").textContent = `${LINKS[status.link.state] ?? status.link.state}; ${open === 0 ? "no incident is open" : `${open} open incident${open > 1 ? "s" : ""}`}; ${person.name}, ${person.role}`;
  document.title = `${open > 0 ? `(${open}) ` : ""}${status.agent.station} · kerbwatch`;
  $("checks-part").hidden = person.role === "auditor";
  drawIncidents(state); drawLine(status); drawEnergy(state); drawBeliefs(state); drawZone(state); drawLog(state); drawBoard(state); drawDeclared(status); drawNotices(state);
}

async function refresh() {
  const asked = base;
  try {
    const { code, answer } = await ask("state");
    if (asked !== base) return;
    if (code === 401) return showEnter(true);
    if (code !== 200) return void ($("state").textContent = answer.error);
    ({ person } = answer);
    showEnter(false);
    draw(answer.state);
  } catch {
    if (asked === base) $("state").textContent = "The agent does not answer; trying again";
  }
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { code, answer } = await ask("enter", { code: $("code").value });
  $("wrong").textContent = code === 200 ? "" : answer.error;
  if (code !== 200) return;
  $("code").value = "";
  await refresh();
  $("main").focus();
});
$("leave").addEventListener("click", async () => {
  await ask("leave", {});
  drawn.clear();
  showEnter(true);
});
$("check").addEventListener("click", async () => {
  $("check").disabled = true;
  $("checks").replaceChildren(el("li", { class: "dim" }, "Checking; this takes up to half a minute…"));
  const { code, answer } = await ask("doctor", {});
  $("check").disabled = false;
  $("checks").replaceChildren(...(code === 200 ? answer.checks.map(({ name, state, says, mend }) =>
    el("li", { class: { ok: "good", warn: "warn", fail: "bad" }[state] ?? "" }, `${state} ${name}: ${says}${mend ? ` To mend: ${mend}` : ""}`))
    : [el("li", { class: "wrong" }, answer.error)]));
});

/** Shows the agent that answers at `at`, and goes on asking it; undefined: none. */
export async function show(at) {
  base = at;
  drawn.clear();
  $("incidents").replaceChildren();
  $("all").hidden = true;
  if (at !== undefined) await refresh();
}
setInterval(() => {
  if (base !== undefined && !document.hidden && $("enter").hidden) void refresh();
}, EVERY_MS);
if (document.body.dataset.street === undefined) void show("api/");
