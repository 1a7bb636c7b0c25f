
"use strict";
const at = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(100 * share)} %`;
const milliseconds = (value) => `${value.toFixed(1)} ms`;
const SILENT_MS = 3000;
let report = null;
let heardAt = performance.now();
let seenAt = performance.now();

function bdi(content) {
  const element = document.createElement("bdi");
  element.textContent = content;
  return element;
}

function row([label, score]) {
  const made = document.createElement("tr");
  const meter = document.createElement("meter");
  const head = document.createElement("th");
  head.scope = "row";
  head.append(bdi(label));
  meter.value = score;
  const cells = [meter, percent(score)].map((content) => {
    const cell = document.createElement("td");
    cell.append(content);
    return cell;
  });
  made.append(head, ...cells);
  return made;
}

function showFresh() {
  document.body.className = report.unknown ? "unknown" : "sure";
  at("alarm").textContent = "";
  at("label").textContent = report.unknown ? "not sure" : report.label;
  at("verdict").replaceChildren(
    ...(report.unknown ? ["perhaps ", bdi(report.label), ", "] : []), percent(report.score));
  at("age").textContent = milliseconds(report.age_ms);
  at("infer").textContent = milliseconds(report.infer_ms);
  at("fps").textContent = report.fps.toFixed(1);
  at("top").tBodies[0].replaceChildren(...report.top.map(row));
}

function showStale(sinceMs, reason) {
  document.body.className = "stale";
  at("alarm").textContent = `No picture for ${Math.round(sinceMs / 1000)} s: ${reason}`;
  at("label").textContent = "–";
  at("verdict").textContent = "stale";
  for (const id of ["age", "infer", "fps"]) at(id).textContent = "–";
  at("top").tBodies[0].replaceChildren();
}

function show() {
  const silentMs = performance.now() - heardAt;
  const sinceMs = (report ? report.since_ms : 0) + silentMs;
  if (silentMs > SILENT_MS) showStale(sinceMs, "the preview does not answer");
  else if (!report) return;
  else if (report.stale) showStale(sinceMs, report.reason);
  else showFresh();
  at("picture").className = performance.now() - seenAt > SILENT_MS ? "old" : "";
  if (!report) return;
  at("dropped").textContent = report.dropped;
  at("source").replaceChildren(bdi(report.source));
}

function heard(news) {
  report = news;
  heardAt = performance.now();
  show();
}

function listen() {
  const news = new EventSource("/news");
  news.onmessage = (event) => heard(JSON.parse(event.data));
  // Too many listen, or nobody is there: ask now and then, and try to listen again.
  news.onerror = () => {
    news.close();
    fetch("/state").then((answer) => answer.json())
      .then((state) => heard({ ...state, fps: 0, since_ms: state.age_ms })).catch(() => {});
    setTimeout(listen, 2000);
  };
}

// One picture after another, and not the stream: whether a stream has stopped cannot be seen here.
function look() {
  const picture = at("picture");
  picture.onload = () => {
    seenAt = performance.now();
    setTimeout(look, 80);
  };
  picture.onerror = () => setTimeout(look, 1000);
  picture.src = `/snapshot.jpg?${Date.now()}`;
}

look();
listen();
setInterval(show, 1000);
