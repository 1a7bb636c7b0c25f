// The page: what happens when. What is shown is in ui/, what is computed in classifier.js.

import { Decider } from "./scores/decider.js";
import { Camera, cameraAllowed } from "./ui/camera.js";
import { at, show, write } from "./ui/dom.js";
import { EngineRoom } from "./ui/engine_room.js";
import { Gallery } from "./ui/gallery.js";
import { labelName, setLabels } from "./ui/labels.js";
import { Loop } from "./ui/loop.js";
import { recall, remember } from "./ui/memory.js";
import { Modes } from "./ui/modes.js";
import { notice, withdraw } from "./ui/notices.js";
import { Offline } from "./ui/offline.js";
import { Pace } from "./ui/pace.js";
import { drawProblem } from "./ui/problem_view.js";
import { CameraError, oneLine, problemOf } from "./ui/problems.js";
import { ResultView, announce } from "./ui/result.js";
import { Settings } from "./ui/settings.js";
import { canShare, download, share, snapshot } from "./ui/snapshot.js";
import { Stage } from "./ui/stage.js";
import { fill, number, onLanguage, percent, say } from "./ui/language.js";
import { keepAwake } from "./ui/wake.js";

at("stranded").remove();
fill(document);

const room = new EngineRoom();
const stage = new Stage();
const camera = new Camera(stage.video);
const result = new ResultView();
const pace = new Pace();
const offline = new Offline();
const modes = new Modes(() => ({
  flip: camera.switchable,
  share: canShare(),
  keep: result.prediction !== null && !stage.still.hidden,
  torch: camera.torch,
}));
const loop = new Loop(stage.video, frame, aged);
const gallery = new Gallery({ classify: (bitmap) => ready.then(() => room.classify(bitmap)), onShow, onUnreadable });
const settings = new Settings(room, {
  pace,
  cameras: async () => ({ list: await camera.list(), current: camera.deviceId }),
  useCamera: (deviceId) => startCamera({ deviceId }),
  useDevice: (kind) => whileHalted(() => room.use(kind, stage.sample())),
  compare: () => whileHalted(() => room.compare(stage.sample())),
  labelsChanged: relabel,
  offline: () => offline.state,
});

let decider = null;
let trouble = null;
/** When the still was taken, for its caption. */
let stillDate = null;

// ---- The model

const ready = load();
ready.catch(problem);

async function load() {
  await room.download((share) => progress("loading-model", { share: percent(share) }));
  await openDevice();
  const { contract } = room.classifier;
  setLabels(contract);
  stage.input = contract.input;
  decider = new Decider(contract);
  offline.keep();
  if (modes.now === "live") run();
  else if (modes.now === "start") result.clear("ready");
}

function progress(key, values) {
  if (modes.now === "start" || modes.now === "live") result.clear(key, values);
}

async function openDevice() {
  const onStage = (name) => name !== "model" && progress(`loading-${name}`);
  const wanted = recall("device") ?? "cpu";
  try {
    await room.open(wanted, onStage);
  } catch (error) {
    if (wanted === "cpu" || error.name !== "EngineError") throw error;
    // Said aloud, for a CPU in place of the GPU that was asked for is slower.
    notice("device", { kind: "bad", text: () => say("gpu-failed", { detail: oneLine(error) }) });
    await room.open("cpu", onStage);
  }
}

room.addEventListener("opened", () => warn(room.classifier.verification));
room.addEventListener("change", drawDevice);

/** Says it where this device does not compute what the model's maker's did. */
function warn({ passed, cases }) {
  if (passed) return withdraw("golden");
  const failed = cases.filter((one) => !one.passed).length;
  notice("golden", {
    kind: "bad",
    text: () => say("golden-differs", { failed, count: cases.length }),
    action: { key: "show-details", run: () => settings.open("checks") },
  });
}

// ---- Live

async function startCamera(wanted = { facing: recall("facing") ?? "environment" }) {
  await loop.stop();
  gallery.clear();
  stage.live();
  enter("live");
  result.clear(room.classifier ? "waiting-camera" : "loading-site");
  freezable(false);
  try {
    if (!(await camera.start(wanted))) return;
  } catch (error) {
    problem(error);
    return;
  }
  if (modes.now === "live") filming();
}

function filming() {
  remember("facing", camera.facing);
  stage.mirrored = camera.mirrored;
  modes.draw();
  keepAwake(true);
  run();
}

function run() {
  if (modes.now !== "live" || !camera.running || !decider || document.visibilityState !== "visible") return;
  decider.reset();
  pace.reset();
  result.clear("waiting-frame");
  loop.start();
}

async function frame(video) {
  try {
    const found = await room.classify(video);
    if (modes.now !== "live" || !loop.running) return;
    const now = performance.now();
    result.show(decider.decide(found.scores, now / 1000));
    pace.add(found.timings, now);
    freezable(true);
  } catch (error) {
    problem(error);
  }
}

/** The picture is no longer of now, or is again. */
function aged(ms) {
  const words = ms === null ? "" : say("stale", { seconds: number(ms / 1000) });
  stale(words);
}

function stale(words) {
  if (at("stale").textContent === words) return;
  write(at("stale"), words);
  at("stage").classList.toggle("old", words !== "");
  if (!words) return;
  decider?.reset();
  result.clear("waiting-frame");
  freezable(false);
}

camera.addEventListener("ended", () => modes.now === "live" && problem(new CameraError("stopped")));
camera.addEventListener("muted", () => modes.now === "live" && stale(say("muted")));
camera.addEventListener("unmuted", () => stale(""));
// A device that is turned gives pictures of another shape.
stage.video.addEventListener("resize", () => decider?.reset());

document.addEventListener("visibilitychange", () => {
  if (modes.now !== "live") return;
  if (document.visibilityState === "visible") {
    if (camera.running) run();
    else startCamera();
  } else {
    void loop.stop();
    result.clear("paused");
  }
});

async function flip() {
  const before = camera.deviceId;
  await loop.stop();
  result.clear("waiting-frame");
  try {
    await camera.flip();
    announce(say(camera.facing === "user" ? "to-front" : camera.facing ? "to-back" : "flip"));
  } catch (error) {
    notice("flip", { text: () => say("flip-failed", { detail: oneLine(error) }), passes: true });
    return startCamera({ deviceId: before });
  }
  if (modes.now === "live") filming();
}

async function switchTorch() {
  try {
    await camera.setTorch(!camera.torch);
  } catch (error) {
    notice("torch", { text: () => say("torch-failed", { detail: oneLine(error) }), passes: true });
  }
  modes.draw();
}

// ---- Stills

/** Not `disabled`: a button that is keeps no focus, and it is only a moment. */
function freezable(possible) {
  at("freeze").setAttribute("aria-disabled", String(!possible));
}

async function freeze() {
  if (at("freeze").getAttribute("aria-disabled") === "true") return;
  const still = stage.freeze();
  stillDate = new Date();
  enter("frozen");
  void loop.stop();
  // The label of this very picture, not what stood before it.
  const found = await room.classify(still).catch(problem);
  if (found && modes.now === "frozen") showStill(found);
}

async function pickedPhotos(files) {
  if (files.length === 0) return;
  void loop.stop();
  camera.stop();
  stage.empty();
  enter("photos");
  result.clear("reading-photo");
  await gallery.take(files).catch(problem);
}

function onShow(bitmap, photo) {
  if (modes.now !== "photos") return;
  stage.hold(bitmap, bitmap.width, bitmap.height);
  stillDate = new Date(photo.file.lastModified);
  showStill(photo.prediction);
}

function showStill(prediction) {
  result.show(prediction, { still: true });
  stage.still.setAttribute("aria-label", result.sentence());
  modes.draw();
}

function onUnreadable(file) {
  notice("photo", { kind: "bad", text: () => say("photo-unreadable", { file }) });
  if (!result.prediction) result.clear("no-photo");
}

function picture() {
  const { label, unknown } = result.prediction;
  const name = unknown ? say("not-sure") : labelName(label);
  return snapshot(stage.still, result.sentence(), name, stillDate);
}

async function save() {
  try {
    const file = await picture();
    download(file);
    notice("saved", { text: () => say("saved", { file: file.name }), passes: true });
  } catch (error) {
    notice("saved", { kind: "bad", text: () => say("not-saved", { detail: oneLine(error) }) });
  }
}

async function sharePicture() {
  try {
    await share(await picture());
  } catch (error) {
    notice("saved", { kind: "bad", text: () => say("not-shared", { detail: oneLine(error) }) });
  }
}

async function back() {
  gallery.clear();
  if (!camera.running) return startCamera();
  stage.live();
  enter("live");
  keepAwake(true);
  run();
}

// ---- Devices

async function whileHalted(work) {
  await loop.stop();
  if (modes.now === "live") result.clear("switching");
  try {
    await work();
  } catch (error) {
    if (!room.classifier) problem(error);
    throw error;
  } finally {
    if (room.kind) remember("device", room.kind);
    offline.keep(); // another device loads another build of the engine
    run();
  }
}

// ---- What is shown

function enter(next) {
  modes.enter(next);
  if (next !== "live") {
    stale("");
    keepAwake(false);
  }
  drawDevice();
}

function drawDevice() {
  const software = room.kind === "gpu" && room.classifier?.device.isSoftware;
  show(at("chip"), modes.now === "live" && room.kind !== null);
  if (room.kind) write(at("device"), say(software ? "gpu-software" : room.kind));
}

function problem(error) {
  trouble = problemOf(error);
  void loop.stop();
  camera.stop();
  gallery.clear();
  stage.empty();
  enter("problem");
  drawProblem(trouble);
  result.clear(`${trouble.kind}-title`);
  if (error.stack && trouble.kind === "engine") console.error(error);
}

function relabel() {
  result.redraw();
  gallery.redraw();
  if (result.prediction) stage.still.setAttribute("aria-label", result.sentence());
}

onLanguage(() => {
  modes.draw();
  drawDevice();
  pace.show();
  if (modes.now === "problem") drawProblem(trouble);
  relabel();
});

// ---- Hands

at("start").addEventListener("click", () => startCamera());
at("again").addEventListener("click", () => (trouble.again === "page" ? location.reload() : startCamera()));
at("freeze").addEventListener("click", freeze);
at("back").addEventListener("click", back);
at("flip").addEventListener("click", flip);
at("torch").addEventListener("click", switchTorch);
at("save").addEventListener("click", save);
at("share").addEventListener("click", sharePicture);
for (const button of document.querySelectorAll(".pick")) button.addEventListener("click", () => at("files").click());
at("files").addEventListener("change", ({ target }) => {
  const files = [...target.files];
  target.value = ""; // the same photo again is a choice, too
  pickedPhotos(files);
});

enter("start");
result.clear("loading-site");
offline.addEventListener("change", () => settings.draw());
offline.start().then(() => ready).then(() => offline.keep(), () => {});
room.lookForAdapter();
if (await cameraAllowed()) startCamera();
