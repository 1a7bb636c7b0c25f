// The model and the device that runs it. One classifier at a time, and one thing at a time with it.

import { Classifier, gpuAdapter } from "../classifier.js";
import { median } from "./pace.js";
import { NetworkError } from "./problems.js";

const WARM_UPS = 3;
const MOST_RUNS = 30;
const BUDGET_MS = 1500;

/** Events "opened": a model is ready on a device; "change": device, adapter or measurements are others than before. */
export class EngineRoom extends EventTarget {
  #bytes = null;
  #turn = Promise.resolve();
  /** What is running, or null. */
  classifier = null;
  /** The name of the site's model, and its version. */
  site = null;
  /** undefined while it is looked for, null where there is none. */
  adapter = undefined;
  /** Median milliseconds of a picture, for each device that was measured. */
  measured = { cpu: null, gpu: null };
  busy = false;
  /** The device that is being switched to, else null. */
  wanted = null;

  get kind() {
    return this.classifier?.device.kind ?? null;
  }

  /** The quicker device; null before both were measured. */
  get winner() {
    const { cpu, gpu } = this.measured;
    if (cpu === null || gpu === null) return null;
    return gpu < cpu ? "gpu" : "cpu";
  }

  async lookForAdapter() {
    this.adapter = await gpuAdapter().catch(() => null);
    this.#changed();
  }

  /** Downloads the model; `onShare` hears how much of it there is, from 0 to 1. */
  async download(onShare) {
    this.site = JSON.parse(new TextDecoder().decode(await fetched("site.json")));
    const { model, bytes } = this.site;
    this.#bytes = await fetched(model, (got) => bytes && onShare(Math.min(1, got / bytes)));
  }

  /** Opens the model on a device ("cpu", "gpu"). Throws ModelError and EngineError. */
  open(kind, onStage = () => {}) {
    return this.#alone(() => this.#open(kind, onStage));
  }

  /** Classifies a picture. */
  classify(source) {
    return this.#alone(() => this.classifier.classify(source));
  }

  /**
   * Measures the device in use, opens the other and measures that too.
   *
   * Throws EngineError where it does not start; the one before runs on then.
   */
  use(kind, source) {
    return this.#alone(() =>
      this.#whileBusy(async () => {
        if (kind === this.kind) return;
        await this.#measureNow(source);
        await this.#swap(kind);
        await this.#measureNow(source);
      }, kind),
    );
  }

  /** Measures both devices with the same picture; the one in use before is in use after. */
  compare(source) {
    return this.#alone(() =>
      this.#whileBusy(async () => {
        const before = this.kind;
        await this.#measureNow(source);
        await this.#swap(before === "cpu" ? "gpu" : "cpu");
        try {
          await this.#measureNow(source);
        } finally {
          await this.#swap(before);
        }
      }),
    );
  }

  async #open(kind, onStage) {
    this.classifier = await Classifier.load(this.#bytes, { device: kind, onStage });
    this.dispatchEvent(new Event("opened"));
    this.#changed();
  }

  async #swap(kind) {
    const before = this.kind;
    await this.classifier.delete();
    this.classifier = null;
    try {
      await this.#open(kind, () => {});
    } catch (error) {
      await this.#open(before, () => {});
      throw error;
    }
  }

  async #measureNow(source) {
    this.measured[this.kind] = await cost(this.classifier, source);
    this.#changed();
  }

  async #whileBusy(work, wanted = null) {
    this.busy = true;
    this.wanted = wanted;
    this.#changed();
    try {
      return await work();
    } finally {
      this.busy = false;
      this.wanted = null;
      this.#changed();
    }
  }

  #alone(work) {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Returns the median milliseconds that a picture takes, after a few that do not count. */
async function cost(classifier, source) {
  await timed(classifier, source, WARM_UPS);
  return median(await timed(classifier, source, MOST_RUNS));
}

/** Returns the milliseconds of up to so many pictures, of one at least: slow devices are not kept for minutes. */
async function timed(classifier, source, most) {
  const until = performance.now() + BUDGET_MS;
  const times = [];
  do {
    times.push((await classifier.classify(source)).timings.total_ms);
  } while (times.length < most && performance.now() < until);
  return times;
}

async function fetched(path, onBytes = () => {}) {
  try {
    const answer = await fetch(path);
    if (!answer.ok) throw new NetworkError(`${path}: ${answer.status} ${answer.statusText}`);
    return await collected(answer.body.getReader(), onBytes);
  } catch (error) {
    if (error instanceof NetworkError) throw error;
    throw new NetworkError(`${path}: ${error.message}`);
  }
}

async function collected(reader, onBytes) {
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    onBytes((length += value.length));
  }
  const whole = new Uint8Array(length);
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
