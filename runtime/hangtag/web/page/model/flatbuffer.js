/**
 * Just enough of a FlatBuffer reader: one field of one table at a time, following no list longer than asked for.
 *
 * A DataView checks every place; what points outside the file throws a RangeError.
 */

const LITTLE_ENDIAN = true;

/** One table; its fields are named by their slot, their place in the schema. */
export class Table {
  /**
   * @param {DataView} view the whole FlatBuffer
   * @param {number} position
   */
  constructor(view, position) {
    this.view = view;
    this.position = position;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Table}
   */
  static root(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Table(view, view.getUint32(0, LITTLE_ENDIAN));
  }

  /**
   * Returns where a field lies, null where the table leaves it at its default.
   *
   * @param {number} slot
   */
  place(slot) {
    const vtable = this.position - this.view.getInt32(this.position, LITTLE_ENDIAN);
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.view.getUint16(vtable, LITTLE_ENDIAN)) return null;
    const offset = this.view.getUint16(vtable + entry, LITTLE_ENDIAN);
    return offset === 0 ? null : this.position + offset;
  }

  /**
   * Returns a table that this one refers to, null where it does not.
   *
   * @param {number} slot
   */
  table(slot) {
    const at = this.place(slot);
    return at === null ? null : new Table(this.view, this.#target(at));
  }

  /**
   * Returns where a list's elements begin and how many there are; none where it is absent.
   *
   * @param {number} slot
   */
  list(slot) {
    const at = this.place(slot);
    if (at === null) return { start: 0, count: 0 };
    const start = this.#target(at);
    return { start: start + 4, count: this.view.getUint32(start, LITTLE_ENDIAN) };
  }

  /**
   * Returns one table of a list of tables.
   *
   * @param {number} slot
   * @param {number} index
   * @throws {RangeError} the list is not that long
   */
  item(slot, index) {
    const { start, count } = this.list(slot);
    if (!(index >= 0 && index < count)) throw new RangeError(`no item ${index} of ${count}`);
    return new Table(this.view, this.#target(start + 4 * index));
  }

  /** @param {number} at where a reference stands */
  #target(at) {
    return at + this.view.getUint32(at, LITTLE_ENDIAN);
  }
}
