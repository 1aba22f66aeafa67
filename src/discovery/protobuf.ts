import { Buffer } from "node:buffer";

/** One field of a message in protobuf's wire format. */
export interface ProtoField {
  readonly number: number;
  /** Of a varint, float or double; 0 otherwise. */
  readonly value: number;
  /** Of text, bytes, messages and packed numbers: a view into the message; empty otherwise. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Reads the fields of one message, in their order. @throws {RangeError} when the bytes are not such a message */
export function* fields(message: Uint8Array): Generator<ProtoField> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("A number in the index is too long");
  };
  const take = (length: number): number => {
    if (length > message.byteLength - at) throw new RangeError("The index ends in the middle of a field");
    at += length;
    return at - length;
  };
  while (at < message.byteLength) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint(), bytes: NOTHING };
        break;
      case 1:
        yield { number, value: view.getFloat64(take(8), true), bytes: NOTHING };
        break;
      case 2: {
        const length = varint();
        const start = take(length);
        yield { number, value: 0, bytes: message.subarray(start, start + length) };
        break;
      }
      case 5:
        yield { number, value: view.getFloat32(take(4), true), bytes: NOTHING };
        break;
      default:
        throw new RangeError(`The index holds a field of unknown type ${tag % 8}`);
    }
  }
}

/** Writes one message in protobuf's wire format. */
export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(64);
  #length = 0;

  varint(number: number, value: number): this {
    return this.#varint(number * 8).#varint(value);
  }

  double(number: number, value: number): this {
    this.#varint(number * 8 + 1).#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
    return this;
  }

  text(number: number, value: string): this {
    const bytes = Buffer.byteLength(value);
    this.#varint(number * 8 + 2).#varint(bytes).#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length);
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.#varint(number * 8 + 2).#varint(value.byteLength).#reserve(value.byteLength);
    this.#buffer.set(value, this.#length);
    this.#length += value.byteLength;
    return this;
  }

  message(number: number, inner: ProtoWriter): this {
    return this.bytes(number, inner.finish());
  }

  /** The message so far: a view, valid until the next write. */
  finish(): Buffer<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  #varint(value: number): this {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = rest % 128 + 128;
    this.#buffer[this.#length++] = rest;
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.byteLength * 2, this.#length + bytes));
    larger.set(this.finish());
    this.#buffer = larger;
  }
}
