/**
 * One file is the whole model: reads a self-describing .tflite and trusts none of it.
 *
 * As hangtag.model_file does: behind the FlatBuffer stands an archive with the contract (`hangtag.json`, the
 * truth), the labels once more for other clients, and golden cases. A file in which they disagree does not load.
 * Of the FlatBuffer's own tables only the input and the output are looked at; the engine, which reads the rest,
 * runs inside WebAssembly.
 */

import { parseContract } from "./contract_json.js";
import { sha256Hex } from "./digest.js";
import { ModelError, quoted } from "./errors.js";
import { readGolden } from "./golden.js";
import { checkTensors } from "./tensors.js";
import { readArchive, sameBytes } from "./zip.js";

export { ModelError };

const CONTRACT_NAME = "hangtag.json";
const LABEL_FILE = /^labels(-.*)?\.txt$/s;

/** What stands in every TFLite model from its fifth byte. */
const IDENTIFIER = "TFL3";

/**
 * @typedef {object} Model
 * @property {import("./contract_json.js").ModelContract} contract
 * @property {readonly string[]} labels the contract's
 * @property {import("./golden.js").Golden | null} golden null where the model carries none
 * @property {Uint8Array} flatbuffer the model without its embedded files: a view of the file's bytes
 */

/**
 * Reads and checks a model file. Nothing native looks at it before this succeeds.
 *
 * @param {Uint8Array} bytes the whole file; kept, not copied
 * @returns {Promise<Model>}
 * @throws {ModelError} not a TFLite model, damaged, or without a contract that can be used
 */
export async function readModel(bytes) {
  checkBeginning(bytes);
  const { start, files } = readArchive(bytes);
  const json = files.get(CONTRACT_NAME);
  if (!json) {
    throw new ModelError(
      "a TFLite model without a Hangtag contract, or cut short: copy the file again, or " +
        "embed a contract with hangtag convert MODEL.tflite --contract contract.json --out NEW.tflite",
    );
  }
  const contract = parseContract(json);
  checkLabelFiles(contract, files);
  const flatbuffer = bytes.subarray(0, start);
  if ((await sha256Hex(flatbuffer)) !== contract.flatbuffer_sha256) {
    throw new ModelError("the model is damaged: its weights are not those that the contract was written for");
  }
  checkTensors(flatbuffer, contract);
  return { contract, labels: contract.labels, golden: readGolden(files, contract.labels.length), flatbuffer };
}

/** @param {Uint8Array} bytes */
function checkBeginning(bytes) {
  if (bytes.length === 0) throw new ModelError("the model is empty (0 bytes); copy the file again");
  const found = String.fromCharCode(...bytes.subarray(4, 8));
  if (found !== IDENTIFIER) {
    throw new ModelError(`not a TFLite model: it has ${quoted(found)} where ${quoted(IDENTIFIER)} is wanted`);
  }
}

/**
 * Throws where a file of labels, made for clients that read no contract, says something else.
 *
 * @param {import("./contract_json.js").ModelContract} contract
 * @param {Map<string, Uint8Array>} files
 */
function checkLabelFiles(contract, files) {
  const wanted = new Map([["labels.txt", contract.labels]]);
  for (const [locale, texts] of Object.entries(contract.translations)) wanted.set(`labels-${locale}.txt`, texts);
  for (const [name, content] of files) {
    if (!LABEL_FILE.test(name)) continue;
    const labels = wanted.get(name);
    if (!labels || !sameBytes(content, labelsText(labels))) {
      throw new ModelError(`the model's ${quoted(name)} and its contract disagree; convert the model again`);
    }
  }
}

/** @param {readonly string[]} labels */
function labelsText(labels) {
  return new TextEncoder().encode(labels.map((label) => `${label}\n`).join(""));
}
