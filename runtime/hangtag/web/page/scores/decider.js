/**
 * From the scores of single frames to a label that stands still: smoothing, hysteresis, unknown.
 *
 * hangtag.decision in the browser. Everything is a function of scores and their times, in seconds rather than
 * frames: a phone of 10 frames a second and one of 30 behave alike.
 */

import { rank } from "./scores.js";

/** @typedef {import("./scores.js").Ranked} Ranked */

/** Time constant of the smoothing of scores, as in hangtag.defaults. */
export const SMOOTHING_S = 0.05;

/** How long another label must have been ahead before it is shown, as in hangtag.defaults. */
export const HOLD_S = 0.1;

/**
 * What is shown for a moment: the label that stands (or unknown) with its smoothed score. `top` ranks all labels
 * as they are now; `label` is the best one where unknown stands.
 *
 * @typedef {Ranked & {changed: boolean, since_s: number}} Decision `changed`: something else stands than at the
 *   frame before, and for the first frame; `since_s`: from when it stands, on the clock of the frames
 */

/** @typedef {{label: string | null, since_s: number}} Standing a label, null for unknown, and since when */

/** Decides frame by frame. */
export class Decider {
  #contract;
  #smoothing_s;
  #hold_s;
  #top;
  /** @type {Map<string, number>} */
  #places;
  /** @type {Float64Array | null} */
  #smooth = null;
  #time_s = 0;
  /** @type {Standing | null} */
  #standing = null;
  /** @type {Standing | null} */
  #ahead = null;

  /**
   * @param {import("../model/contract_json.js").ModelContract} contract
   * @param {object} [options]
   * @param {number} [options.smoothing_s] time constant of the exponential smoothing; 0 for none
   * @param {number} [options.hold_s] how long another label must be ahead before it takes over; 0 for at once
   * @param {number} [options.top] how many labels a decision lists
   * @throws {RangeError} a time is below 0 or not finite
   */
  constructor(contract, { smoothing_s = SMOOTHING_S, hold_s = HOLD_S, top = 3 } = {}) {
    for (const [name, value] of Object.entries({ smoothing_s, hold_s })) {
      if (!(value >= 0 && value < Infinity)) throw new RangeError(`${name} is ${value}; wanted 0 or more seconds`);
    }
    this.#contract = contract;
    this.#smoothing_s = smoothing_s;
    this.#hold_s = hold_s;
    this.#top = top;
    this.#places = new Map(contract.labels.map((label, place) => [label, place]));
  }

  /** Forgets everything: the next frame has nothing to do with the last one. */
  reset() {
    this.#smooth = this.#standing = this.#ahead = null;
  }

  /**
   * Returns what stands after a frame.
   *
   * @param {ArrayLike<number>} scores one per label, calibrated; copied
   * @param {number} time_s when the frame belongs; a time before the last one's begins anew
   * @returns {Decision}
   */
  decide(scores, time_s) {
    if (time_s < this.#time_s) this.reset();
    const smooth = this.#smoothed(scores, time_s);
    this.#smooth = smooth;
    this.#time_s = time_s;
    const leading = rank(smooth, this.#contract, this.#top);
    const before = this.#standing;
    const standing = this.#settled(leading.unknown ? null : leading.label, time_s);
    this.#standing = standing;
    return { ...this.#shown(leading, standing.label, smooth), changed: standing !== before, since_s: standing.since_s };
  }

  /**
   * @param {ArrayLike<number>} scores
   * @param {number} time_s
   */
  #smoothed(scores, time_s) {
    const smooth = this.#smooth;
    if (smooth === null || this.#smoothing_s === 0) return Float64Array.from(scores);
    // The low-pass filter's solution for any spacing of frames: one gap of 0.2 s has the effect of two of 0.1 s.
    const share = -Math.expm1(-(time_s - this.#time_s) / this.#smoothing_s);
    return smooth.map((value, place) => value + share * (scores[place] - value));
  }

  /**
   * Returns what stands, and since when, now that `leader` leads.
   *
   * @param {string | null} leader
   * @param {number} time_s
   * @returns {Standing}
   */
  #settled(leader, time_s) {
    if (this.#standing === null) return { label: leader, since_s: time_s };
    if (leader === this.#standing.label) {
      this.#ahead = null;
      return this.#standing;
    }
    if (this.#ahead === null || this.#ahead.label !== leader) this.#ahead = { label: leader, since_s: time_s };
    if (time_s - this.#ahead.since_s < this.#hold_s) return this.#standing;
    this.#ahead = null;
    return { label: leader, since_s: time_s };
  }

  /**
   * Returns the ranking with what stands in front, which is not always what leads.
   *
   * @param {Ranked} leading
   * @param {string | null} standing
   * @param {Float64Array} smooth
   * @returns {Ranked}
   */
  #shown(leading, standing, smooth) {
    if (standing === null) return { ...leading, unknown: true };
    const place = /** @type {number} */ (this.#places.get(standing));
    return { ...leading, label: standing, score: smooth[place], unknown: false };
  }
}
