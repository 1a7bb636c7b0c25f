/** A model's raw output becomes calibrated scores, and scores a ranked answer, as hangtag.classifier does it. */

import { ModelError } from "../model/errors.js";

/** @typedef {import("../model/contract_json.js").ModelContract} ModelContract */

/**
 * @typedef {object} Ranked
 * @property {string} label the best one, also where it is unknown
 * @property {number} score its score, 0 to 1
 * @property {[label: string, score: number][]} top the best few, best first
 * @property {boolean} unknown the best score is below the model's threshold: probably none of the labels
 */

/**
 * Returns one score per label from the raw output.
 *
 * @param {ArrayLike<number>} output as stored, without its batch dimension
 * @param {import("../model/contract_json.js").OutputSpec} spec
 * @returns {Float64Array}
 * @throws {ModelError} a score is not a number, or a sigmoid has more than one
 */
export function toScores(output, { kind, tensor }) {
  const values = Float64Array.from(output);
  if (tensor.scale === null) {
    if (!values.every(Number.isFinite)) {
      throw new ModelError("the model's scores are not finite numbers: it is damaged or was trained badly");
    }
  } else {
    const { scale, zero_point } = tensor;
    for (let at = 0; at < values.length; at++) values[at] = (values[at] - zero_point) * scale;
  }
  if (kind === "logits") return softmax(values);
  if (kind === "softmax") return values;
  if (values.length !== 1) throw new ModelError(`the engine computes ${values.length} numbers; a sigmoid is one`);
  return Float64Array.of(1 - values[0], values[0]);
}

/**
 * Returns the best labels of one row of scores; ties go to the label that stands first.
 *
 * What is unknown is decided by the best score alone: the energy, which some contracts have a threshold for,
 * needs logits that a page does not see.
 *
 * @param {ArrayLike<number>} scores one per label
 * @param {ModelContract} contract
 * @param {number} [top] how many labels to list; all, where there are fewer
 * @returns {Ranked}
 * @throws {ModelError} not one score per label
 * @throws {RangeError} top is below 1
 */
export function rank(scores, { labels, calibration }, top = 3) {
  if (!(top >= 1)) throw new RangeError(`top is ${top}; wanted 1 or more`);
  if (scores.length !== labels.length) {
    throw new ModelError(`the engine computes ${scores.length} scores; the contract has ${labels.length} labels`);
  }
  const ranked = best(scores, Math.min(top, labels.length));
  const score = scores[ranked[0]];
  const threshold = calibration.unknown_threshold;
  return {
    label: labels[ranked[0]],
    score,
    top: ranked.map((place) => [labels[place], scores[place]]),
    unknown: threshold !== null && score < threshold,
  };
}

/**
 * Returns the places of the highest scores, the best first, equal ones in their order.
 *
 * To sort all of a hundred thousand labels would cost more than the model.
 *
 * @param {ArrayLike<number>} scores
 * @param {number} count
 */
function best(scores, count) {
  /** @type {number[]} */
  const places = [];
  for (let place = 0; place < scores.length; place++) {
    if (places.length === count && !(scores[place] > scores[places[count - 1]])) continue;
    let at = places.length === count ? count - 1 : places.length;
    for (; at > 0 && scores[place] > scores[places[at - 1]]; at--) places[at] = places[at - 1];
    places[at] = place;
  }
  return places;
}

/** @param {Float64Array} logits */
function softmax(logits) {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
