"use strict";
const by = id => document.getElementById(id);
// Whatever a log says goes in as text, and so is never markup.
const make = (tag, name, ...inside) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...inside);
  return element;
};
const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const program = WebAssembly.compile(bytes(by("program").textContent));
const script = URL.createObjectURL(new Blob([by("worker").textContent], { type: "text/javascript" }));
let worker, file, answer;

// What `busbar lint` would be given.
function asked() {
  const args = [file.name], cells = by("cells").valueAsNumber;
  if (by("certify").checked) args.push("--for-certification");
  if (by("strict").checked) args.push("--strict");
  if (Number.isInteger(cells) && cells >= 1 && cells <= 256) {
    args.push("--cells", String(cells));
    if (by("chemistry").value) args.push("--chemistry", by("chemistry").value);
  }
  return args;
}

async function judge() {
  if (!file) return;
  worker?.terminate();
  worker = new Worker(script);
  by("result").replaceChildren();
  by("save").hidden = true;
  by("bar").hidden = false;
  by("bar").value = 0;
  by("said").textContent = "reading " + file.name;
  document.body.dataset.outcome = "";
  const failed = why => {
    by("bar").hidden = true;
    by("said").textContent = "the program in this page failed: " + why;
    document.body.dataset.outcome = "failed";
  };
  worker.onerror = event => failed(event.message);
  worker.onmessage = async ({ data }) => {
    if ("part" in data) { by("bar").value = data.part; return; }
    if ("failed" in data) { failed(data.failed); return; }
    answer = data.answer;
    show(JSON.parse(await answer.text()));
  };
  worker.postMessage({ program: await program, file, args: asked() });
}

const seconds = micros => micros == null ? "" : (micros / 1e6).toFixed(3) + " s";
const section = (title, ...inside) => inside.length ? [make("h3", "", title), ...inside] : [];
const list = (title, items) => items.length ? section(title, make("ul", "", ...items)) : [];

function verdict(row) {
  const item = make("li", "", make("strong", row.standing, row.requirement), " ", row.title, " (", row.section, ", ", row.severity, "): ", row.reason);
  if (row.outcome !== "fail") return item;
  for (const fact of row.evidence.filter(fact => fact.line != null && fact.id != null).slice(0, 3)) {
    const place = ["line " + fact.line, seconds(fact.to)].filter(Boolean).join(", ");
    item.append(make("pre", "", place + ": " + fact.id + "#" + fact.data + "\n" + fact.decoded));
  }
  return item;
}

function table(head, rows, numbers = []) {
  const cells = (tag, row) => row.map((cell, n) => make(tag, numbers.includes(n) ? "number" : "", String(cell ?? "")));
  return make("div", "wide", make("table", "",
    make("thead", "", make("tr", "", ...cells("th", head))),
    make("tbody", "", ...rows.map(row => make("tr", "", ...cells("td", row))))));
}

function page({ title, rows }) {
  const most = Math.max(1, ...rows.map(row => row.values.length));
  return table([title, ...Array(most).fill("")], rows.map(row => [row.label, ...row.values, ...Array(most - row.values.length).fill("")]));
}

const STANDINGS = [
  ["fail", "Must hold and does not"],
  ["warning", "Should hold and does not"],
  ["inconclusive", "Undecided"],
  ["note", "Worth a note"],
];

function judged({ log, interface: bus, outcome, headline, source, battery, verdicts, remarks, next }) {
  const standing = which => verdicts.filter(row => row.standing === which);
  const ids = (title, which) => {
    const names = standing(which).map(row => row.requirement);
    return names.length ? section(title + " (" + names.length + ")", make("p", "", names.join(" "))) : [];
  };
  const out = make("section", "",
    make("h2", "", make("span", "mark " + outcome, outcome.toUpperCase()), " ", log, bus === "-" ? "" : " (" + bus + ")"),
    make("p", "", headline),
    make("p", "soft", battery.name + " (" + battery.named_by + "); " + source.frames + " frames" + (source.length == null ? "" : " in " + seconds(source.length)) + "; " + source.format),
    ...section("Next", make("pre", "", next.command), make("p", "", next.why)),
    ...STANDINGS.flatMap(([which, title]) => list(title, standing(which).map(verdict))),
    ...ids("Holds", "pass"),
    ...ids("Not used by this battery, or not for a log", "not-applicable"),
    ...list("Remarks", remarks.map(remark => make("li", "", remark))));
  if (!verdicts.length) return out;
  const sent = battery.messages.filter(row => row.count);
  out.append(
    ...section("What the GX shows", ...battery.pages.map(page)),
    ...section("Alarms of 0x35A", table(["", "alarm", "warning"], battery.alarms.map(row => [row.kind, row.alarm, row.warning]))),
    ...section("Messages", table(["id", "", "frames", "period", "last"],
      sent.map(row => ["0x" + row.id, row.kind, row.count, seconds(row.period), row.last]), [2, 3])),
    ...section("Identity", table(["", ""], battery.identity.map(row => [row.what, row.value]))));
  return out;
}

function show(json) {
  by("bar").hidden = true;
  by("said").textContent = json.unreadable.map(log => log.message).join("; ") || "judged " + file.name;
  by("result").replaceChildren(...json.logs.map(judged));
  by("save").hidden = false;
  by("result").focus();
  document.body.dataset.outcome = json.outcome;
}

function take(files) {
  if (!files.length) return;
  file = files[0];
  judge();
}

// The same log, chosen again because it grew, is judged again.
by("file").onclick = () => { by("file").value = ""; };
by("file").onchange = () => take(by("file").files);
for (const id of ["cells", "chemistry", "certify", "strict"]) by(id).onchange = judge;
by("ask").onsubmit = event => event.preventDefault();
addEventListener("dragover", event => { event.preventDefault(); by("drop").classList.add("over"); });
addEventListener("dragleave", () => by("drop").classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  by("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
by("save").onclick = () => {
  const link = make("a", "");
  link.href = URL.createObjectURL(answer);
  link.download = file.name + ".json";
  link.click();
  URL.revokeObjectURL(link.href);
};
