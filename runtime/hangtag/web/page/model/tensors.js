/** The input and the output that a .tflite's own tables declare must be those of its contract. */

import { ModelError } from "./errors.js";
import { Table } from "./flatbuffer.js";

/** @typedef {import("./contract_json.js").ModelContract} ModelContract */

/** @typedef {import("./contract_json.js").TensorFormat} TensorFormat */

// Slots of the tables Model, SubGraph, Tensor and QuantizationParameters in TensorFlow Lite's schema.
const SUBGRAPHS = 2;
const TENSORS = 0;
const INPUTS = 1;
const OUTPUTS = 2;
const SHAPE = 0;
const TYPE = 1;
const QUANTIZATION = 4;
const SIGNATURE = 7;
const SCALE = 2;
const ZERO_POINT = 3;

/** Numbers of the schema's element types that a contract can have. */
const DTYPES = new Map([[0, "float32"], [3, "uint8"], [7, "int16"], [9, "int8"]]);

const MOST_SIDES = 8;
const LITTLE_ENDIAN = true;

/**
 * Throws unless a model has one input and one output, and both are what the contract says.
 *
 * @param {Uint8Array} flatbuffer
 * @param {ModelContract} contract
 * @throws {ModelError} they are not, or the tables point outside the file
 */
export function checkTensors(flatbuffer, contract) {
  const { input, output, labels } = contract;
  const units = output.kind === "sigmoid" ? 1 : labels.length;
  try {
    const graph = Table.root(flatbuffer).item(SUBGRAPHS, 0);
    check("input", onlyTensor(graph, INPUTS), [1, input.height_px, input.width_px, input.mean.length], input.tensor);
    check("output", onlyTensor(graph, OUTPUTS), [1, units], output.tensor);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ModelError("the model is damaged: its tables point outside the file; copy the file again");
  }
}

/**
 * @param {Table} graph
 * @param {number} slot
 */
function onlyTensor(graph, slot) {
  const { start, count } = graph.list(slot);
  if (count !== 1) {
    const role = slot === INPUTS ? "input" : "output";
    throw new ModelError(`the model has ${count} ${role} tensors; wanted an image classifier's one`);
  }
  return graph.item(TENSORS, graph.view.getInt32(start, LITTLE_ENDIAN));
}

/**
 * @param {string} role
 * @param {Table} tensor
 * @param {number[]} shape
 * @param {TensorFormat} wanted
 */
function check(role, tensor, shape, wanted) {
  for (const slot of [SHAPE, SIGNATURE]) {
    const found = sides(tensor, slot);
    if (slot === SIGNATURE && (found.length === 0 || role === "output")) continue;
    if (found.join() !== shape.join()) {
      throw new ModelError(`the contract says ${role} shape ${shape.join(" x ")}, the model has ${found.join(" x ")}`);
    }
  }
  const at = tensor.place(TYPE);
  const dtype = DTYPES.get(at === null ? 0 : tensor.view.getInt8(at)) ?? "another one";
  if (dtype !== wanted.dtype) {
    throw new ModelError(`the contract says ${role} dtype ${wanted.dtype}, the model has ${dtype}`);
  }
  if (wanted.scale !== null) checkQuantization(role, tensor, wanted.scale, wanted.zero_point);
}

/**
 * @param {string} role
 * @param {Table} tensor
 * @param {number} wantedScale
 * @param {number} wantedZeroPoint
 */
function checkQuantization(role, tensor, wantedScale, wantedZeroPoint) {
  const quantization = tensor.table(QUANTIZATION);
  const scales = quantization?.list(SCALE) ?? { start: 0, count: 0 };
  const zeroPoints = quantization?.list(ZERO_POINT) ?? { start: 0, count: 0 };
  const scale = scales.count === 1 ? tensor.view.getFloat32(scales.start, LITTLE_ENDIAN) : null;
  const zeroPoint = zeroPoints.count === 1 ? Number(tensor.view.getBigInt64(zeroPoints.start, LITTLE_ENDIAN)) : 0;
  // The file keeps scales as float32, the contract may hold more digits.
  const isSame = scale !== null && Math.abs(scale - wantedScale) <= 1e-6 * Math.max(Math.abs(scale), wantedScale);
  if (!isSame || zeroPoint !== wantedZeroPoint) {
    throw new ModelError(
      `the contract says ${role} scale ${wantedScale} and zero point ${wantedZeroPoint}, ` +
        `the model has ${scale} and ${zeroPoint}`,
    );
  }
}

/**
 * @param {Table} tensor
 * @param {number} slot
 */
function sides(tensor, slot) {
  const { start, count } = tensor.list(slot);
  const few = Math.min(count, MOST_SIDES);
  return Array.from({ length: few }, (_, at) => tensor.view.getInt32(start + 4 * at, LITTLE_ENDIAN));
}
