"use strict";
// Everything that comes from the engine becomes text (textContent), never markup: a job's name is anybody's.

const POLL_MS = 2000;
const at = (id) => document.getElementById(id);
const pictures = new Map();
let token = sessionStorage.getItem("token") || "";
let shown = "";

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token}`, ...options.headers };
  const answer = await fetch(`/v1${path}`, { ...options, headers, cache: "no-store" });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    const error = new Error(said.error || `The engine answers ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return answer;
}

const told = async (path) => (await ask(path)).json();
const when = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleString() : "");

function row(...cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const place = line.insertCell();
    if (cell instanceof Node) place.append(cell);
    else place.textContent = cell ?? "";
  }
  return line;
}

function buttons(...pairs) {
  const group = document.createDocumentFragment();
  for (const [text, act] of pairs) {
    const button = document.createElement("button");
    button.textContent = text;
    button.onclick = () => act().then(look, complain);
    group.append(button);
  }
  return group;
}

const order = (job, verb) => () => ask(`/jobs/${job.id}/${verb}`, { method: "POST" });

async function prioritise(job) {
  const wanted = prompt("Priority, -100 to 100", job.priority);
  if (wanted === null) return;
  const body = JSON.stringify({ priority: Number(wanted) });
  await ask(`/jobs/${job.id}`, { method: "PATCH", body, headers: { "Content-Type": "application/json" } });
}

async function read(job) {
  shown = job.id;
  at("which").textContent = job.name || job.id;
  at("reading").hidden = false;
}

function orders(job) {
  const found = [["Log", () => read(job)]];
  if (job.state === "held") found.push(["Resume", order(job, "resume")]);
  if (["queued", "running"].includes(job.state)) found.push(["Hold", order(job, "hold")]);
  if (["queued", "held"].includes(job.state)) found.push(["Priority", () => prioritise(job)]);
  if (["queued", "running", "held"].includes(job.state)) found.push(["Cancel", order(job, "cancel")]);
  if (["failed", "cancelled"].includes(job.state)) found.push(["Requeue", order(job, "requeue")]);
  return buttons(...found);
}

function picture(job) {
  const image = document.createElement("img");
  image.alt = "";
  if (!job.previews) return image;
  const known = pictures.get(job.id);
  if (known) image.src = known.url;
  if (known?.version === job.previews) return image;
  ask(`/jobs/${job.id}/preview`)
    .then((answer) => answer.blob())
    .then((blob) => {
      if (known) URL.revokeObjectURL(known.url);
      pictures.set(job.id, { version: job.previews, url: (image.src = URL.createObjectURL(blob)) });
    })
    .catch(() => {});
  return image;
}

function jobRow(job) {
  const progress = job.state === "running" && job.steps ? ` ${job.phase} ${job.step}/${job.steps}` : "";
  const says = [job.comment, job.error].filter(Boolean).join(" · ");
  const name = job.name || job.id;
  return row(picture(job), name, job.owner, job.state + progress, job.priority, says, orders(job));
}

function workerRow(worker) {
  const does = worker.job ? `${worker.job} ${worker.phase} ${worker.step}/${worker.steps}` : worker.trouble;
  const forgive = [`Forgive`, () => ask(`/workers/${worker.number}/forgive`, { method: "POST" })];
  const group = worker.blamed ? buttons(forgive) : "";
  return row(worker.number, worker.state, worker.device, when(worker.seen), does, group);
}

function endingRow(ending) {
  const { finished, created, name, job, owner, state, reason, error } = ending;
  return row(when(finished || created), name || job, owner, state, reason, error);
}

async function look() {
  if (!token) return;
  const health = await told("/health");
  at("engine").textContent = `${health.version}, ${health.worker}, ${health.device}`;
  at("trouble").textContent = health.trouble;
  at("jobs").replaceChildren(...(await told("/jobs?limit=50")).jobs.map(jobRow));
  at("endings").replaceChildren(...(await told("/history?limit=20")).endings.map(endingRow));
  try {
    at("workers").replaceChildren(...(await told("/workers")).map(workerRow));
    at("house").hidden = false;
  } catch (error) {
    // The workers are for an admin's token.
    if (error.status !== 403) throw error;
  }
  if (shown) at("log").textContent = await (await ask(`/jobs/${shown}/log`)).text().catch(() => "");
  document.querySelector("main").hidden = false;
}

function complain(error) {
  at("trouble").textContent = error.message;
  if (error.status === 401) {
    token = "";
    sessionStorage.removeItem("token");
    document.querySelector("main").hidden = true;
  }
}

async function keepLooking() {
  await look().catch(complain);
  setTimeout(keepLooking, POLL_MS);
}

at("door").onsubmit = (event) => {
  event.preventDefault();
  token = at("token").value.trim();
  at("token").value = "";
  sessionStorage.setItem("token", token);
  look().catch(complain);
};
keepLooking();
