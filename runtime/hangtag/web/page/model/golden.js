/**
 * Golden cases: proof, carried inside a model, that this browser prepares and computes what the trainer did.
 *
 * Each is a small frame as PNG, the digest of the input tensor it must become, and the scores that must follow.
 */

import { sha256Hex } from "./digest.js";
import { ModelError, quoted } from "./errors.js";
import { Fields } from "./fields.js";
import { parseJson } from "./json.js";

const INDEX_NAME = "golden.json";

/** More cases than any honest model's, and few enough to be run on start. */
const MAX_CASES = 50;

/** A file of some kilobytes can announce gigabytes of pixels. */
const MAX_PIXELS = 4_000_000;

const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * @typedef {object} GoldenCase
 * @property {string} name
 * @property {Uint8Array} png
 * @property {string} tensorSha256
 * @property {Float64Array} scores one per label, 0 to 1
 */

/**
 * @typedef {object} Golden
 * @property {readonly GoldenCase[]} cases
 * @property {number} tolerance how far a score may be off
 */

/**
 * @typedef {object} CaseResult
 * @property {string} name
 * @property {boolean} sameTensor the prepared tensor is the trainer's to the byte
 * @property {number} worstDifference the largest of any score
 * @property {number} tolerance
 * @property {boolean} passed
 */

/**
 * @typedef {object} RgbaImage
 * @property {Uint8ClampedArray | Uint8Array} data red, green, blue, alpha of each pixel
 * @property {number} width
 * @property {number} height
 */

/**
 * Returns the cases among a model's embedded files, null where it carries none.
 *
 * @param {Map<string, Uint8Array>} files
 * @param {number} labels how many the model has
 * @returns {Golden | null}
 * @throws {ModelError} an index that hangtag.golden does not write, or a missing frame
 */
export function readGolden(files, labels) {
  const index = files.get(INDEX_NAME);
  if (!index) return null;
  const fields = new Fields(parseJson(index, INDEX_NAME), INDEX_NAME);
  const tolerance = fields.number("score_tolerance");
  if (tolerance < 0 || tolerance > 1) throw fields.wrong("score_tolerance", tolerance, "0 to 1");
  const listed = fields.take("cases");
  if (!Array.isArray(listed)) throw fields.wrong("cases", listed, "a list");
  if (listed.length > MAX_CASES) throw fields.wrong("cases", listed, `at most ${MAX_CASES}`);
  return { cases: listed.map((plain, at) => readCase(new Fields(plain, `cases[${at}]`), files, labels)), tolerance };
}

/**
 * Prepares and runs every golden frame; a difference is found, not thrown.
 *
 * @param {Golden | null} golden
 * @param {object} steps how this page does it, each a promise or not
 * @param {(png: Uint8Array) => RgbaImage | Promise<RgbaImage>} steps.decode
 * @param {(image: RgbaImage) => ArrayBufferView | Promise<ArrayBufferView>} steps.prepare gives the input tensor
 * @param {(tensor: any) => ArrayLike<number> | Promise<ArrayLike<number>>} steps.run gives a score per label
 * @returns {Promise<{passed: boolean, cases: CaseResult[]}>} passed where there are no cases, too
 */
export async function verifyGolden(golden, { decode, prepare, run }) {
  const cases = [];
  for (const { name, png, tensorSha256, scores } of golden?.cases ?? []) {
    const tensor = await prepare(await decode(png));
    const sameTensor = (await tensorSha256Hex(tensor)) === tensorSha256;
    const worstDifference = largestDifference(scores, await run(tensor));
    const tolerance = golden?.tolerance ?? 0;
    cases.push({ name, sameTensor, worstDifference, tolerance, passed: sameTensor && worstDifference <= tolerance });
  }
  return { passed: cases.every((result) => result.passed), cases };
}

/**
 * Returns the digest of a tensor's bytes; they are little-endian, as everywhere that WebAssembly runs.
 *
 * @param {ArrayBufferView} tensor
 */
function tensorSha256Hex(tensor) {
  return sha256Hex(new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength));
}

/**
 * @param {ArrayLike<number>} wanted
 * @param {ArrayLike<number>} got
 */
function largestDifference(wanted, got) {
  if (got.length !== wanted.length) return Infinity;
  let worst = 0;
  for (let at = 0; at < wanted.length; at++) {
    const difference = Math.abs(got[at] - wanted[at]);
    // A score that is not a number must not pass by comparing false.
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/**
 * @param {Fields} fields
 * @param {Map<string, Uint8Array>} files
 * @param {number} labels
 * @returns {GoldenCase}
 */
function readCase(fields, files, labels) {
  const name = fields.text("image");
  const png = files.get(name);
  if (!png) throw new ModelError(`golden.json names the frame ${quoted(name)}, which the model does not carry`);
  checkPng(name, png);
  return {
    name,
    png,
    tensorSha256: fields.text("tensor_sha256"),
    scores: restoredScores(fields.take("scores"), labels),
  };
}

/**
 * @param {string} name
 * @param {Uint8Array} png
 */
function checkPng(name, png) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  if (png.length < 24 || PNG_START.some((byte, at) => png[at] !== byte)) {
    throw new ModelError(`the golden frame ${quoted(name)} is no PNG; convert the model again`);
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width * height > MAX_PIXELS || width * height === 0) {
    throw new ModelError(`the golden frame ${quoted(name)} is ${width} x ${height} pixels; convert the model again`);
  }
}

/**
 * Returns one score per label: all are listed or, of many, those that matter by their label's number.
 *
 * @param {unknown} stored
 * @param {number} labels
 */
function restoredScores(stored, labels) {
  if (typeof stored !== "object" || stored === null) {
    throw new ModelError(`golden.json has ${quoted(stored)} for the scores of a frame; convert the model again`);
  }
  if (Array.isArray(stored) && stored.length !== labels) {
    throw new ModelError(`golden.json has ${stored.length} scores of a frame; the model has ${labels} labels`);
  }
  const scores = new Float64Array(labels);
  for (const [place, score] of Object.entries(stored)) {
    if (!/^\d{1,6}$/.test(place) || Number(place) >= labels || !Number.isFinite(score)) {
      throw new ModelError(`golden.json has the score ${quoted(score)} of label ${quoted(place)}`);
    }
    scores[Number(place)] = score;
  }
  return scores;
}
