// How long a picture takes and how many there are a second, at a rate that eyes can follow.

import { at, write } from "./dom.js";
import { milliseconds, number, say } from "./language.js";

const SHOWN_EACH_MS = 500;
const KEPT = 30;

export class Pace {
  #frames = [];
  #shownAt = 0;

  /** Takes a frame's timings (of classify), at a time in milliseconds. */
  add(timings, now) {
    this.#frames.push({ now, ...timings });
    if (this.#frames.length > KEPT) this.#frames.shift();
    if (now - this.#shownAt < SHOWN_EACH_MS) return;
    this.#shownAt = now;
    this.show();
  }

  /** Forgets all: another camera, another device. */
  reset() {
    this.#frames = [];
    this.#shownAt = 0;
    this.show();
  }

  /** The median of one of the timings; null before the first frame. */
  median(name) {
    return this.#frames.length ? median(this.#frames.map((frame) => frame[name])) : null;
  }

  /** Frames a second over those that are kept; null before the second. */
  get rate() {
    if (this.#frames.length < 2) return null;
    const spanMs = this.#frames.at(-1).now - this.#frames[0].now;
    return spanMs > 0 ? ((this.#frames.length - 1) * 1000) / spanMs : null;
  }

  show() {
    const costs = this.median("total_ms");
    write(at("latency"), costs === null ? "–" : milliseconds(costs));
    write(at("rate"), this.rate === null ? "–" : say("fps", { rate: number(this.rate) }));
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
