/** Pixel bytes to the input tensor's values: one table of 256 entries per channel, as hangtag.preprocess has it. */

import { roundHalfToEven } from "./rounding.js";

/** @typedef {import("../model/contract_json.js").InputSpec} InputSpec */

/** @typedef {Uint8Array | Int8Array | Int16Array | Float32Array} Tensor */

const ARRAYS = Object.freeze({ uint8: Uint8Array, int8: Int8Array, int16: Int16Array, float32: Float32Array });

const LIMITS = Object.freeze({ uint8: [0, 255], int8: [-128, 127], int16: [-32768, 32767] });

/**
 * Returns an array for the input tensor's values, shape (1, height, width, channels) in C order.
 *
 * @param {InputSpec} spec
 * @returns {Tensor}
 */
export function newTensor(spec) {
  return new ARRAYS[spec.tensor.dtype](spec.height_px * spec.width_px * spec.mean.length);
}

/**
 * Returns the value that each byte becomes, 256 for each channel; null where every byte is its own value.
 *
 * @param {InputSpec} spec
 * @returns {Tensor | null}
 */
export function tensorTable(spec) {
  const table = new ARRAYS[spec.tensor.dtype](256 * spec.mean.length);
  for (let at = 0; at < table.length; at++) table[at] = storedValue(at % 256, at >> 8, spec);
  return table instanceof Uint8Array && table.every((value, at) => value === at % 256) ? null : table;
}

/**
 * Brings prepared pixels into a tensor through a table.
 *
 * @param {Uint8Array} pixels
 * @param {Tensor} table
 * @param {Tensor} tensor
 */
export function lookUp(pixels, table, tensor) {
  const channels = table.length >> 8;
  for (let channel = 0; channel < channels; channel++) {
    const offset = channel << 8;
    for (let at = channel; at < pixels.length; at += channels) tensor[at] = table[offset + pixels[at]];
  }
}

/**
 * @param {number} byte
 * @param {number} channel
 * @param {InputSpec} spec
 */
function storedValue(byte, channel, { mean, std, tensor }) {
  const real = (byte - mean[channel]) / std[channel];
  if (tensor.scale === null || tensor.dtype === "float32") return real;
  const [low, high] = LIMITS[tensor.dtype];
  return Math.min(Math.max(roundHalfToEven(real / tensor.scale) + tensor.zero_point, low), high);
}
