// The sheet of settings: languages, camera, CPU or GPU with what each takes, what is known about the model.

import { apart, at, make, show, write } from "./dom.js";
import { labelChoice, locales, setLabelChoice } from "./labels.js";
import { oneLine } from "./problems.js";
import {
  languageName, milliseconds, number, onLanguage, pageLanguage, pageLanguages, percent, say, setPageLanguage,
} from "./language.js";

/**
 * `room` is the EngineRoom; `page` gives what the page does: `cameras()`, `useCamera(deviceId)`,
 * `useDevice(kind)`, `compare()`, `labelsChanged()`, `offline()` (a key and values), `pace`.
 */
export class Settings {
  #sheet = at("settings");
  #room;
  #page;
  #failure = null;
  #timer = null;

  constructor(room, page) {
    this.#room = room;
    this.#page = page;
    at("settings-open").addEventListener("click", () => this.open());
    at("settings-close").addEventListener("click", () => this.#sheet.close());
    this.#sheet.addEventListener("close", () => clearInterval(this.#timer));
    // A click beside the sheet closes it, as sheets do.
    this.#sheet.addEventListener("click", (event) => event.target === this.#sheet && this.#sheet.close());
    at("page-language").addEventListener("change", (event) => setPageLanguage(event.target.value));
    at("label-language").addEventListener("change", (event) => {
      setLabelChoice(event.target.value);
      this.#page.labelsChanged();
    });
    at("camera-choice").addEventListener("change", (event) => this.#page.useCamera(event.target.value));
    for (const kind of ["cpu", "gpu"]) at(kind).addEventListener("change", () => this.#use(kind));
    at("measure").addEventListener("click", () => this.#compare());
    room.addEventListener("change", () => this.draw());
    onLanguage(() => this.draw());
  }

  open(part = null) {
    this.draw();
    this.#drawCameras();
    this.#timer = setInterval(() => this.#drawCosts(), 500);
    this.#sheet.showModal();
    if (part) at(part).scrollIntoView();
  }

  async #use(kind) {
    await this.#tried(() => this.#page.useDevice(kind));
  }

  async #compare() {
    if (this.#room.busy) return;
    await this.#tried(() => this.#page.compare());
  }

  async #tried(work) {
    this.#failure = null;
    try {
      await work();
    } catch (error) {
      this.#failure = error;
    }
    this.draw();
  }

  /** Writes everything as it is now. */
  draw() {
    this.#drawLanguages();
    this.#drawDevices();
    this.#drawCosts();
    if (this.#room.classifier) {
      this.#drawChecks(this.#room.classifier.verification);
      this.#drawModel(this.#room.classifier.contract);
    }
    const [key, values] = this.#page.offline();
    write(at("offline"), say(key, values));
  }

  #drawLanguages() {
    options(at("page-language"), pageLanguages(), pageLanguage());
    const own = [["page", say("labels-as-page")], ["model", say("labels-as-model")]];
    options(at("label-language"), [...own, ...locales().map((code) => [code, languageName(code)])], labelChoice());
    show(at("label-language-row"), locales().length > 0);
  }

  async #drawCameras() {
    const { list, current } = await this.#page.cameras();
    const names = list.map((camera, place) => [
      camera.deviceId,
      camera.label || say("camera-number", { number: place + 1 }),
    ]);
    options(at("camera-choice"), names, current);
    show(at("camera-part"), current !== null && list.length > 1);
  }

  #drawDevices() {
    const { kind, wanted, adapter, measured, winner, busy } = this.#room;
    for (const device of ["cpu", "gpu"]) {
      at(device).checked = (wanted ?? kind) === device;
      at(device).disabled = device === "gpu" && !adapter;
      const time = measured[device];
      write(at(`${device}-cost`), time === null ? say("not-measured") : say("measured", { time: milliseconds(time) }));
      show(at(`${device}-fastest`), winner === device);
    }
    write(at("cpu-detail"), this.#threads());
    write(at("gpu-detail"), adapterText(adapter));
    at("measure").disabled = !adapter || (!kind && !busy);
    // Not disabled while it measures: the focus would be lost.
    at("measure").setAttribute("aria-disabled", String(busy));
    write(at("measure"), say(busy ? "measuring" : "measure-both"));
    write(at("device-failure"), this.#failure ? say("device-failed", { detail: oneLine(this.#failure) }) : "");
    show(at("device-failure"), this.#failure !== null);
  }

  #threads() {
    const device = this.#room.classifier?.device;
    if (device?.kind !== "cpu") return "";
    return device.threads === 1 ? say("one-thread") : say("many-threads", { count: device.threads });
  }

  #drawCosts() {
    const { pace } = this.#page;
    const known = pace.median("total_ms") !== null;
    show(at("costs"), known);
    if (!known) return;
    const [pixels, prepare, run] = ["pixels_ms", "prepare_ms", "run_ms"].map((name) => milliseconds(pace.median(name)));
    write(at("costs"), say("frame-costs", { pixels, prepare, run }));
  }

  #drawChecks({ cases, passed }) {
    const failed = cases.filter((one) => !one.passed).length;
    const key = cases.length === 0 ? "golden-none" : passed ? "golden-same" : "golden-differs";
    write(at("golden"), say(key, { count: cases.length, failed }));
    at("golden").classList.toggle("bad", !passed);
    at("golden-cases").replaceChildren(...cases.map(checkLine));
  }

  #drawModel({ name, description, licence, labels }) {
    const facts = [
      ["model-name", name],
      ["model-labels", number(labels.length)],
      ["model-licence", licence],
      ["model-version", this.#room.site.version],
    ];
    write(at("model-description"), description);
    const rows = facts.filter(([, value]) => value);
    at("model-facts").replaceChildren(
      ...rows.map(([key, value]) => make("div", "", make("dt", "", say(key)), make("dd", "", apart(value)))),
    );
  }
}

function adapterText(adapter) {
  if (adapter === undefined) return say("gpu-looking");
  if (adapter === null) return say("gpu-absent");
  return adapter.isSoftware ? say("adapter-software", adapter) : adapter.name;
}

function checkLine({ name, sameTensor, passed, worstDifference, tolerance }) {
  const words = [];
  if (!sameTensor) words.push(say("golden-tensor"));
  const worst = { difference: percentPoints(worstDifference), tolerance: percentPoints(tolerance) };
  if (!(worstDifference <= tolerance)) words.push(say("golden-scores", worst));
  if (passed) words.push(say("golden-good"));
  return make("li", passed ? "" : "bad", apart(name), ": ", words.join(", "));
}

function percentPoints(share) {
  return Number.isFinite(share) ? percent(share, 1) : "–";
}

function options(select, entries, chosen) {
  const wanted = JSON.stringify(entries);
  if (select.dataset.entries !== wanted) {
    select.dataset.entries = wanted;
    select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  }
  select.value = chosen ?? "";
}
