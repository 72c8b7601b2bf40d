"use strict";
// Everything that comes from the engine becomes text, never markup: a job's name is anybody's.

const POLL_MS = 2000;
// The queue in the order in which it is shown, and what has left it.
const WAITING = ["running", "queued", "held"];
const OVER = ["done", "failed", "cancelled"];
const at = (id) => document.getElementById(id);
let token = sessionStorage.getItem("token") || "";
// Whether the token is known to be no admin's; the workers are for those alone.
let guest = false;
// Of the job whose log is open; "": none.
let opened = "";
// The engine's clock, seconds since 1970: the browser's may be another.
let now = 0;

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token}`, ...options.headers };
  const answer = await fetch(`/v1${path}`, { ...options, headers, cache: "no-store" }).catch(() => {
    throw new Error("The engine does not answer. This page goes on trying.");
  });
  now = Date.parse(answer.headers.get("Date")) / 1000;
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    const error = new Error(said.error || `The engine answers ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return answer;
}

const told = async (path) => (await ask(path)).json();
const called = (job) => job.name || job.id.slice(0, 8);

function lasting(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

// What a cell shows: text, or what `make` makes of what is there, made anew where its mark is another.
function put(place, cell) {
  const { mark, make } = typeof cell === "object" ? cell : { mark: `"${cell}`, make: () => cell };
  if (place.dataset.mark === mark) return;
  place.dataset.mark = mark;
  // Strings become text here, never markup.
  place.replaceChildren(make(place.firstChild));
}

// Rows stay the elements that they are while they are of the same thing: a click or a selection that falls
// between two looks is not lost, nor given to the row that took its place.
function fill(body, found) {
  const there = new Map([...body.rows].map((line) => [line.dataset.key, line]));
  found.forEach(([key, ...cells], index) => {
    const line = there.get(key) || document.createElement("tr");
    there.delete(key);
    line.dataset.key = key;
    cells.forEach((cell, column) => put(line.cells[column] || line.insertCell(), cell));
    if (body.rows[index] !== line) body.insertBefore(line, body.rows[index] || null);
  });
  for (const line of there.values()) line.remove();
}

function buttons(mark, pairs) {
  const make = () => {
    const group = document.createElement("div");
    for (const [text, act] of pairs) {
      const button = document.createElement("button");
      button.textContent = text;
      button.onclick = () => {
        at("refusal").textContent = "";
        act().then(look).catch((error) => (at("refusal").textContent = error.message));
      };
      group.append(button);
    }
    return group;
  };
  return { mark, make };
}

const order = (job, verb) => () => ask(`/jobs/${job.id}/${verb}`, { method: "POST" });

async function cancel(job) {
  if (confirm(`Cancel ${called(job)}?`)) await order(job, "cancel")();
}

async function prioritise(job) {
  const wanted = prompt(`Priority of ${called(job)}, -100 to 100`, job.priority);
  if (wanted === null) return;
  const body = JSON.stringify({ priority: Number(wanted) });
  await ask(`/jobs/${job.id}`, { method: "PATCH", body, headers: { "Content-Type": "application/json" } });
}

async function openLog(job) {
  opened = job.id;
}

async function fetchPlate(job) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await ask(`/jobs/${job.id}/results/plate.mp4`)).blob());
  link.download = `${called(job)}.mp4`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function orders(job) {
  const found = [["Log", () => openLog(job)]];
  if (job.state === "held") found.push(["Resume", order(job, "resume")]);
  if (["queued", "running"].includes(job.state)) found.push(["Hold", order(job, "hold")]);
  if (["queued", "held"].includes(job.state)) found.push(["Priority", () => prioritise(job)]);
  if (WAITING.includes(job.state)) found.push(["Cancel", () => cancel(job)]);
  if (["failed", "cancelled"].includes(job.state)) found.push(["Requeue", order(job, "requeue")]);
  if (job.state === "done") found.push(["Plate", () => fetchPlate(job)]);
  return buttons([job.state, job.priority, job.name].join(), found);
}

// The older picture stays until the newer one is here.
function picture(job) {
  const make = (older) => {
    const image = older instanceof HTMLImageElement ? older : document.createElement("img");
    image.alt = "";
    image.onload = () => URL.revokeObjectURL(image.src);
    const newest = async () => (await ask(`/jobs/${job.id}/preview`)).blob();
    if (job.previews) newest().then((blob) => (image.src = URL.createObjectURL(blob)), () => {});
    return image;
  };
  return { mark: `${job.id} ${job.previews}`, make };
}

function state(name, told = "", done = 0, most = 0) {
  const make = () => {
    const shown = document.createElement("span");
    shown.className = `state ${name}`;
    shown.textContent = [name, told].filter(Boolean).join(" ");
    if (!most) return shown;
    const [both, bar] = [document.createElement("div"), document.createElement("progress")];
    [bar.value, bar.max] = [done, most];
    both.append(shown, bar);
    return both;
  };
  return { mark: [name, told, done, most].join(), make };
}

function jobRow(job) {
  const since = lasting(now - (job.started || job.created));
  const { phase, step, steps } = job;
  const runs = job.state === "running" && steps;
  const stands = runs ? state("running", `${phase} ${step}/${steps}, ${since}`, step, steps)
    : state(job.state, since);
  const says = [job.comment, job.error].filter(Boolean).join(" · ");
  return [job.id, picture(job), called(job), job.owner, stands, String(job.priority), says, orders(job)];
}

function workerRow(worker, names) {
  const job = worker.job && (names.get(worker.job) || worker.job.slice(0, 8));
  const does = job ? `${job}, ${worker.phase} ${worker.step}/${worker.steps}` : worker.trouble;
  const forgive = [["Forgive", () => ask(`/workers/${worker.number}/forgive`, { method: "POST" })]];
  const number = String(worker.number);
  const seen = `${lasting(now - worker.seen)} ago`;
  const group = buttons(String(worker.blamed > 0), worker.blamed ? forgive : []);
  return [number, number, state(worker.state), worker.device, seen, does, group];
}

// An ending outlives its job: then there is nothing left to see or to order.
function endingRow(ending, job) {
  const { number, job: id, name, owner, reason, comment, error } = ending;
  const says = [comment, error].filter(Boolean).join(" · ");
  const ago = `${lasting(now - (ending.finished || ending.created))} ago`;
  const left = job ? [picture(job), orders(job)] : ["", ""];
  const stands = state(ending.state, reason && `(${reason})`);
  return [String(number), left[0], called({ name, id }), owner, stands, ago, says, left[1]];
}

async function workers() {
  if (guest) return [];
  return told("/workers").catch((error) => {
    if (error.status !== 403) throw error;
    guest = true;
    return [];
  });
}

// All that the page shows, as of one look.
async function seen() {
  const page = (limit) => (each) => told(`/jobs?state=${each}&limit=${limit}`);
  const listed = (states, limit) => Promise.all(states.map(page(limit)));
  const [health, house, waiting, over, history] = await Promise.all(
    [told("/health"), workers(), listed(WAITING, 200), listed(OVER, 20), told("/history?limit=20")]);
  const jobs = new Map([...waiting, ...over].flatMap(({ jobs }) => jobs).map((job) => [job.id, job]));
  return { health, house, waiting, jobs, endings: history.endings };
}

function show({ health, house, waiting, jobs, endings }) {
  at("engine").textContent = [health.version, health.worker, health.device].filter(Boolean).join(" · ");
  at("trouble").textContent = health.trouble;
  const names = new Map([...jobs.values()].map((job) => [job.id, called(job)]));
  fill(at("workers"), house.map((worker) => workerRow(worker, names)));
  at("house").hidden = guest;
  const counted = ({ jobs, before }, place) => `${jobs.length}${before ? "+" : ""} ${WAITING[place]}`;
  at("count").textContent = waiting.map(counted).join(", ");
  const first = (one, other) => other.priority - one.priority || one.created - other.created;
  fill(at("jobs"), waiting.flatMap(({ jobs: found }) => found.sort(first)).map(jobRow));
  const newest = new Map([...endings].reverse().map((ending) => [ending.job, ending.number]));
  const left = ({ job, number, state }) => newest.get(job) === number && jobs.get(job)?.state === state;
  fill(at("endings"), endings.map((each) => endingRow(each, left(each) ? jobs.get(each.job) : null)));
}

async function read(job) {
  at("which").textContent = called(job);
  at("id").textContent = job.id;
  const large = picture(job);
  if (at("large").dataset.mark !== large.mark) {
    at("large").dataset.mark = large.mark;
    at("large").removeAttribute("src");
    large.make(at("large"));
  }
  const written = async () => (await ask(`/jobs/${job.id}/log`)).text();
  const text = job.attempt ? await written() : "No worker has begun it yet.";
  const log = at("log");
  const follows = log.scrollTop + log.clientHeight > log.scrollHeight - 20;
  if (log.textContent !== text) log.textContent = text;
  if (follows) log.scrollTop = log.scrollHeight;
}

async function look() {
  const asked = token;
  if (!asked) return;
  try {
    const found = await seen();
    const job = found.jobs.get(opened);
    if (job) await read(job);
    // Somebody may have left meanwhile.
    if (asked !== token) return;
    show(found);
    at("reading").hidden = !opened;
    inside(true);
  } catch (error) {
    at("trouble").textContent = error.message;
    document.querySelector("main").className = "stale";
    if (error.status === 401) leave();
  }
}

function inside(whether) {
  document.querySelector("main").hidden = !whether;
  document.querySelector("main").className = "";
  at("door").hidden = whether;
  at("leave").hidden = !whether;
}

function leave() {
  [token, opened, guest] = ["", "", false];
  sessionStorage.removeItem("token");
  for (const body of document.querySelectorAll("tbody")) body.replaceChildren();
  for (const id of ["engine", "refusal", "log"]) at(id).textContent = "";
  at("reading").hidden = true;
  inside(false);
}

async function keepLooking() {
  if (!document.hidden) await look();
  setTimeout(keepLooking, POLL_MS);
}

at("door").onsubmit = (event) => {
  event.preventDefault();
  token = at("token").value.trim();
  at("token").value = "";
  sessionStorage.setItem("token", token);
  look();
};
at("leave").onclick = leave;
at("close").onclick = () => {
  opened = "";
  at("reading").hidden = true;
};
keepLooking();
