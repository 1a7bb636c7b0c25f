/**
 * The model contract, read from its JSON as strictly as hangtag.contract and hangtag.contract_json read it.
 *
 * What comes out is a frozen object with the JSON's own names, checked whole: what uses it need check nothing.
 */

import { ModelError, quoted } from "./errors.js";
import { Fields } from "./fields.js";
import { parseJson } from "./json.js";
import { checkLabels, checkLine, checkText, isFileName, isLocale } from "./texts.js";

/** The one contract schema that this page reads. */
export const SCHEMA_VERSION = 3;

const MAX_SIDE_PX = 4096;
const MAX_TRANSLATIONS = 100;
const LARGEST_FLOAT32 = 3.4e38;

/** Lowest and highest stored value of each element type; float32 stores real values as they are. */
const LIMITS = Object.freeze({ float32: [0, 0], uint8: [0, 255], int8: [-128, 127], int16: [-32768, 32767] });

/**
 * A real value r is stored as round(r / scale) + zero_point; scale is null exactly for float32.
 *
 * @typedef {object} TensorFormat
 * @property {"float32" | "uint8" | "int8" | "int16"} dtype
 * @property {number | null} scale
 * @property {number} zero_point
 */

/**
 * The input tensor, shape (1, height_px, width_px, channels), and how a frame becomes it; mean and std hold a
 * number per channel, in colour_order.
 *
 * @typedef {object} InputSpec
 * @property {number} width_px
 * @property {number} height_px
 * @property {"rgb" | "bgr" | "grey"} colour_order
 * @property {"centre-crop" | "stretch" | "letterbox"} geometry
 * @property {"linear-exact" | "halved-linear-exact" | "linear" | "area"} kernel
 * @property {number} pad_value the grey of a letterbox's bars, 0 to 255
 * @property {readonly number[]} mean
 * @property {readonly number[]} std
 * @property {TensorFormat} tensor
 */

/**
 * @typedef {object} OutputSpec
 * @property {"softmax" | "sigmoid" | "logits"} kind
 * @property {TensorFormat} tensor
 */

/**
 * @typedef {object} Calibration
 * @property {number} temperature folded into the weights already: a record, never applied again
 * @property {number | null} unknown_threshold a best score below it is "none of these"
 * @property {number | null} energy_threshold of the logits, which this page does not see
 */

/**
 * @typedef {object} ModelContract
 * @property {readonly string[]} labels in the order of the output's units
 * @property {InputSpec} input
 * @property {OutputSpec} output
 * @property {string} name
 * @property {string} description
 * @property {string} author
 * @property {string} licence
 * @property {Calibration} calibration
 * @property {object} provenance dataset_sha256, backbone, recipe, metrics, versions
 * @property {Readonly<Record<string, readonly string[]>>} translations labels by locale; has no prototype
 * @property {string | null} flatbuffer_sha256
 * @property {number} schema_version
 */

/**
 * Returns the contract that `hangtag.json` holds.
 *
 * @param {Uint8Array} bytes
 * @returns {ModelContract}
 * @throws {ModelError} not JSON, another schema, an unknown or missing field, a wrong type or value
 */
export function parseContract(bytes) {
  const plain = parseJson(bytes, "the contract");
  checkVersion(plain);
  const fields = new Fields(plain, "contract");
  const labels = fields.texts("labels");
  checkLabels(labels);
  const contract = {
    labels,
    input: parseInput(fields.object("input")),
    output: parseOutput(fields.object("output")),
    ...parseDescription(fields),
    calibration: parseCalibration(fields.object("calibration")),
    provenance: parseProvenance(fields.object("provenance")),
    translations: parseTranslations(fields.object("translations"), labels.length),
    flatbuffer_sha256: fields.textOrNull("flatbuffer_sha256"),
    schema_version: fields.integer("schema_version", SCHEMA_VERSION, SCHEMA_VERSION),
  };
  fields.done();
  checkSigmoid(contract);
  return Object.freeze(contract);
}

/** @param {unknown} plain */
function checkVersion(plain) {
  const version = new Fields(plain, "the contract").integer("schema_version", 1, Number.MAX_SAFE_INTEGER);
  if (version === SCHEMA_VERSION) return;
  const advice =
    version < SCHEMA_VERSION
      ? "write the model anew with hangtag convert"
      : "serve it with a newer Hangtag: pip install --upgrade hangtag";
  throw new ModelError(`the contract has schema version ${version}, this page reads ${SCHEMA_VERSION}: ${advice}`);
}

/**
 * @param {Fields} fields
 * @returns {InputSpec}
 */
function parseInput(fields) {
  /** @type {InputSpec} */
  const input = {
    width_px: fields.integer("width_px", 1, MAX_SIDE_PX),
    height_px: fields.integer("height_px", 1, MAX_SIDE_PX),
    colour_order: fields.oneOf("colour_order", ["rgb", "bgr", "grey"]),
    geometry: fields.oneOf("geometry", ["centre-crop", "stretch", "letterbox"]),
    kernel: fields.oneOf("kernel", ["linear-exact", "halved-linear-exact", "linear", "area"]),
    pad_value: fields.integer("pad_value", 0, 255),
    mean: fields.numbers("mean"),
    std: fields.numbers("std"),
    tensor: parseTensor(fields.object("tensor")),
  };
  fields.done();
  checkNormalisation(input, fields);
  return Object.freeze(input);
}

/**
 * @param {InputSpec} input
 * @param {Fields} fields
 */
function checkNormalisation(input, fields) {
  const channels = input.colour_order === "grey" ? 1 : 3;
  for (const [name, values] of /** @type {const} */ ([["mean", input.mean], ["std", input.std]])) {
    if (values.length !== channels) {
      throw fields.wrong(name, values, `${channels} numbers, one per channel of ${input.colour_order}`);
    }
  }
  const odd = input.std.find((value) => value <= 0);
  if (odd !== undefined) throw fields.wrong("std", odd, "numbers above 0");
  const largest = Math.max(
    ...input.mean.map((mean, channel) => Math.max(Math.abs(mean), Math.abs(255 - mean)) / input.std[channel]),
  );
  if (!(largest / (input.tensor.scale ?? 1) < LARGEST_FLOAT32)) {
    throw new ModelError("contract.input's mean and std give values that float32 cannot hold");
  }
}

/**
 * @param {Fields} fields
 * @returns {OutputSpec}
 */
function parseOutput(fields) {
  /** @type {OutputSpec} */
  const output = {
    kind: fields.oneOf("kind", ["softmax", "sigmoid", "logits"]),
    tensor: parseTensor(fields.object("tensor")),
  };
  fields.done();
  return Object.freeze(output);
}

/**
 * @param {Fields} fields
 * @returns {TensorFormat}
 */
function parseTensor(fields) {
  const dtype = fields.oneOf("dtype", ["float32", "uint8", "int8", "int16"]);
  const scale = fields.numberOrNull("scale");
  const [low, high] = LIMITS[dtype];
  const zero_point = fields.integer("zero_point", low, high);
  fields.done();
  const fits = dtype === "float32" ? scale === null : scale !== null && scale > 0;
  if (!fits) throw fields.wrong("scale", scale, dtype === "float32" ? "null for float32" : "a number above 0");
  return Object.freeze({ dtype, scale, zero_point });
}

/** @param {Fields} fields */
function parseDescription(fields) {
  const description = {
    name: fields.text("name"),
    description: fields.text("description"),
    author: fields.text("author"),
    licence: fields.text("licence"),
  };
  for (const [name, text] of Object.entries(description)) checkLine(`contract.${name}`, text);
  if (!isFileName(description.name)) {
    throw fields.wrong("name", description.name, "up to 100 characters that can be part of a file name");
  }
  return description;
}

/**
 * @param {Fields} fields
 * @returns {Calibration}
 */
function parseCalibration(fields) {
  const calibration = {
    temperature: fields.number("temperature"),
    unknown_threshold: fields.numberOrNull("unknown_threshold"),
    energy_threshold: fields.numberOrNull("energy_threshold"),
  };
  fields.done();
  const { temperature, unknown_threshold } = calibration;
  if (temperature <= 0) throw fields.wrong("temperature", temperature, "a number above 0");
  if (unknown_threshold !== null && !(unknown_threshold >= 0 && unknown_threshold <= 1)) {
    throw fields.wrong("unknown_threshold", unknown_threshold, "0 to 1 or null");
  }
  return Object.freeze(calibration);
}

/** @param {Fields} fields */
function parseProvenance(fields) {
  const metrics = fields.object("metrics");
  const versions = fields.object("versions");
  const provenance = {
    dataset_sha256: fields.textOrNull("dataset_sha256"),
    backbone: fields.textOrNull("backbone"),
    recipe: fields.textOrNull("recipe"),
    metrics: record(metrics.names.map((name) => [name, metrics.number(name)])),
    versions: record(versions.names.map((name) => [name, versions.text(name)])),
  };
  fields.done();
  const { dataset_sha256, backbone, recipe } = provenance;
  const names = [...Object.keys(provenance.metrics), ...Object.entries(provenance.versions).flat()];
  for (const text of [dataset_sha256, backbone, recipe, ...names]) {
    if (text !== null) checkText("contract.provenance", text);
  }
  return Object.freeze(provenance);
}

/**
 * @param {Fields} fields
 * @param {number} labels
 */
function parseTranslations(fields, labels) {
  const locales = fields.names.sort();
  if (locales.length > MAX_TRANSLATIONS) {
    throw new ModelError(`the contract has ${locales.length} translations; at most ${MAX_TRANSLATIONS}`);
  }
  return record(
    locales.map((locale) => {
      if (!isLocale(locale)) {
        throw new ModelError(`contract.translations has the locale ${quoted(locale)}; wanted such as es or pt-BR`);
      }
      const texts = fields.texts(locale);
      if (texts.length !== labels) throw fields.wrong(locale, texts, `a list of ${labels}, one per label`);
      for (const text of texts) checkLine(`contract.translations.${locale}`, text, { asLabel: true });
      return [locale, texts];
    }),
  );
}

/** @param {{labels: readonly string[], output: OutputSpec, calibration: Calibration}} contract */
function checkSigmoid({ labels, output, calibration }) {
  if (output.kind !== "sigmoid") return;
  if (labels.length !== 2) {
    throw new ModelError(`a sigmoid output tells two labels apart, the contract has ${labels.length}`);
  }
  if (calibration.energy_threshold !== null) {
    throw new ModelError("a sigmoid output has no energy; the contract's energy_threshold must be null");
  }
}

/**
 * Returns a frozen object without a prototype, in which every name is a name like any other.
 *
 * @template T
 * @param {[string, T][]} entries
 * @returns {Readonly<Record<string, T>>}
 */
function record(entries) {
  /** @type {Record<string, T>} */
  const made = Object.create(null);
  for (const [name, value] of entries) made[name] = value;
  return Object.freeze(made);
}
