/**
 * Reads the ZIP archive behind a model's FlatBuffer, where TFLite metadata keeps its files.
 *
 * As hangtag.archive does, and stricter: members are stored as they are, as Hangtag writes them, so nothing is
 * inflated here. Counts, sizes and places are checked before a byte is looked at.
 */

import { ModelError, isPrintable, quoted } from "./errors.js";

export const MAX_FILES = 1000;

/** Most that an archive's files may take together. */
export const MAX_BYTES = 16 * 2 ** 20;

const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const MAX_COMMENT_BYTES = 0xffff;
const ENCRYPTED = 0x1;
const STORED = 0;

/**
 * @typedef {object} Archive
 * @property {number} start where the archive begins in the file; the file's end, where there is none
 * @property {Map<string, Uint8Array>} files embedded files by name: views of the file's bytes
 */

/**
 * @typedef {object} Member
 * @property {string} name
 * @property {Uint8Array} rawName
 * @property {number} flags
 * @property {number} method
 * @property {number} checksum
 * @property {number} packedBytes
 * @property {number} bytes
 * @property {number} start
 */

/**
 * Returns the files embedded in a model.
 *
 * @param {Uint8Array} data the whole file
 * @returns {Archive}
 * @throws {ModelError} there is an archive, and it is damaged, too large, or made to mislead
 */
export function readArchive(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = findEnd(view);
  if (end === null) return { start: data.length, files: new Map() };
  const members = readMembers(data, view, end).sort((a, b) => a.start - b.start);
  checkMembers(members);
  const directory = end - view.getUint32(end + 12, true);
  const files = new Map();
  let freeFrom = 0;
  for (const member of members) {
    if (member.start < freeFrom) throw damaged("files of its archive lie on top of each other");
    const begin = contentStart(data, view, member, directory);
    freeFrom = begin + member.packedBytes;
    const content = data.subarray(begin, freeFrom);
    if (content.length !== member.bytes || crc32(content) !== member.checksum) {
      throw damaged(`the embedded file ${quoted(member.name)} is not what was stored`);
    }
    files.set(member.name, content);
  }
  return { start: members.length ? members[0].start : directory, files };
}

/** @param {string} what */
function damaged(what) {
  return new ModelError(`the model is damaged: ${what}; copy the file again`);
}

/**
 * Returns where the archive's end record stands, null where there is no archive.
 *
 * @param {DataView} view
 */
function findEnd(view) {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    const found = view.getUint32(at, true) === END_SIGNATURE;
    if (found && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return null;
}

/**
 * @param {Uint8Array} data
 * @param {DataView} view
 * @param {number} end
 */
function readMembers(data, view, end) {
  const count = view.getUint16(end + 10, true);
  const directory = end - view.getUint32(end + 12, true);
  // Archives count from their own start or from the file's: what lies between the two is added.
  const shift = directory - view.getUint32(end + 16, true);
  const isSplit = view.getUint32(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count;
  if (isSplit || shift < 0) throw damaged("its archive points outside the file");
  if (count > MAX_FILES) throw new ModelError(`the model's archive holds ${count} files; that is too much`);
  const members = [];
  let at = directory;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > end) throw damaged("its archive's directory is cut short");
    if (view.getUint32(at, true) !== CENTRAL_SIGNATURE) throw damaged("its archive's directory cannot be read");
    members.push(readMember(data, view, at, shift));
    const lengths = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    at += CENTRAL_BYTES + lengths[0] + lengths[1] + lengths[2];
  }
  if (at !== end) throw damaged("its archive's directory cannot be read");
  return members;
}

/**
 * @param {Uint8Array} data
 * @param {DataView} view
 * @param {number} at where the member's record stands in the directory
 * @param {number} shift
 * @returns {Member}
 */
function readMember(data, view, at, shift) {
  const nameStart = at + CENTRAL_BYTES;
  const rawName = data.subarray(nameStart, nameStart + view.getUint16(at + 28, true));
  return {
    name: decodedName(rawName),
    rawName,
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    checksum: view.getUint32(at + 16, true),
    packedBytes: view.getUint32(at + 20, true),
    bytes: view.getUint32(at + 24, true),
    start: view.getUint32(at + 42, true) + shift,
  };
}

/** @param {Uint8Array} raw */
function decodedName(raw) {
  let name = "";
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw damaged("its archive holds a name that is not UTF-8");
  }
  if (name === "" || !isPrintable(name) || /[/\\]/.test(name)) {
    throw damaged(`its archive holds a file called ${quoted(name)}`);
  }
  return name;
}

/** @param {Member[]} members */
function checkMembers(members) {
  const total = members.reduce((sum, member) => sum + member.bytes, 0);
  if (total > MAX_BYTES) throw new ModelError(`the model's archive holds ${total} bytes; that is too much`);
  if (new Set(members.map((member) => member.name)).size !== members.length) {
    throw damaged("its archive holds a name twice");
  }
  const packed = members.find((member) => member.method !== STORED || member.flags & ENCRYPTED);
  if (packed) {
    throw new ModelError(
      `the model's embedded file ${quoted(packed.name)} is compressed, which this page does not read; ` +
        "write the model anew with hangtag convert",
    );
  }
}

/**
 * Returns where a member's bytes begin, having compared its own record with the directory's.
 *
 * @param {Uint8Array} data
 * @param {DataView} view
 * @param {Member} member
 * @param {number} end where the directory begins
 */
function contentStart(data, view, member, end) {
  const at = member.start;
  if (at + LOCAL_BYTES > end) throw damaged("its archive points outside the file");
  const nameStart = at + LOCAL_BYTES;
  const nameEnd = nameStart + view.getUint16(at + 26, true);
  const begin = nameEnd + view.getUint16(at + 28, true);
  const agrees =
    view.getUint32(at, true) === LOCAL_SIGNATURE &&
    view.getUint16(at + 8, true) === member.method &&
    sameBytes(data.subarray(nameStart, nameEnd), member.rawName) &&
    begin + member.packedBytes <= end;
  if (!agrees) throw damaged(`its archive does not hold ${quoted(member.name)} where it says`);
  return begin;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function sameBytes(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let value = -1;
  for (let at = 0; at < bytes.length; at++) value = (value >>> 8) ^ CRC_TABLE[(value ^ bytes[at]) & 0xff];
  return ~value >>> 0;
}
