"use strict";
const study = JSON.parse(document.getElementById("study").textContent);
const part = Object.fromEntries(
  ["start", "reader", "reading", "image", "questions", "back", "next", "end", "download", "review", "partial", "place", "progress", "unsaved"]
    .map((name) => [name, document.getElementById(name)]));
let reader = "", answers = {}, index = 0;

function slot() { return "reader-study " + study.study + " " + reader.toLowerCase(); }

function isWhole(answer) { return Boolean(answer && answer.quality && answer.answer); }

function answered() { return study.pictures.filter((picture) => isWhole(answers[picture.name])).length; }

function load() {
  try { answers = JSON.parse(localStorage.getItem(slot())) || {}; } catch { answers = {}; }
}

function save() {
  try {
    localStorage.setItem(slot(), JSON.stringify(answers));
    part.unsaved.hidden = true;
  } catch {
    part.unsaved.hidden = false;
  }
}

function show() {
  const ended = index >= study.pictures.length;
  part.start.hidden = true;
  part.reading.hidden = ended;
  part.end.hidden = !ended;
  part.partial.hidden = ended;
  part.progress.value = answered();
  part.place.textContent = ended ? "" : "Picture " + (index + 1) + " of " + study.pictures.length;
  if (ended) {
    part.download.focus();
    return;
  }
  const picture = study.pictures[index], answer = answers[picture.name] || {};
  part.image.src = "data:image/png;base64," + picture.png;
  for (const choice of part.questions.querySelectorAll("input")) { choice.checked = answer[choice.name] === choice.value; }
  part.back.disabled = index === 0;
  part.next.disabled = !isWhole(answer);
  part.next.textContent = index + 1 === study.pictures.length ? "Finish" : "Next";
}

function give(name, value) {
  const picture = study.pictures[index].name;
  answers[picture] = { ...answers[picture], [name]: value };
  save();
  show();
}

function next() {
  if (!isWhole(answers[study.pictures[index].name])) { return; }
  const open = study.pictures.findIndex((picture) => !isWhole(answers[picture.name]));
  index = index + 1 === study.pictures.length && open >= 0 ? open : index + 1;
  document.activeElement.blur();
  show();
}

function back() {
  index = Math.max(0, index - 1);
  show();
}

function download() {
  const rows = study.pictures.filter((picture) => isWhole(answers[picture.name]))
    .map((picture) => [study.study, reader, picture.name, answers[picture.name].quality, answers[picture.name].answer]);
  const text = [study.columns, ...rows].map((row) => row.join(",") + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = "answers-" + reader.replace(/[^A-Za-z0-9_-]/g, "-") + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

part.start.addEventListener("submit", (event) => {
  event.preventDefault();
  reader = part.reader.value.trim();
  load();
  save();
  const open = study.pictures.findIndex((picture) => !isWhole(answers[picture.name]));
  index = open < 0 ? study.pictures.length : open;
  show();
});
part.questions.addEventListener("change", (event) => give(event.target.name, event.target.value));
part.questions.addEventListener("submit", (event) => { event.preventDefault(); next(); });
part.back.addEventListener("click", back);
part.review.addEventListener("click", () => { index = 0; show(); });
part.download.addEventListener("click", download);
part.partial.addEventListener("click", download);
document.addEventListener("keydown", (event) => {
  if (part.reading.hidden || event.ctrlKey || event.metaKey || event.altKey) { return; }
  const key = event.key.toLowerCase();
  const actions = { r: () => give("answer", "real"), s: () => give("answer", "synthetic"), enter: next, arrowright: next, arrowleft: back };
  const onButton = key === "enter" && event.target instanceof HTMLButtonElement;
  if (onButton || !(key in actions || /^[1-5]$/.test(key))) { return; }
  event.preventDefault();
  if (key in actions) { actions[key](); } else { give("quality", key); }
});
