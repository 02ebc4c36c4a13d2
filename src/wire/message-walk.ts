import { BrokenMessage, moreNeeded } from './faults.ts';
import type { WireLimits } from './limits.ts';
import type { MessageHeader, WireReader } from './protocol.ts';
import { WireCode } from './wire-code.ts';

/** A struct or container that was begun and has not ended. */
interface Open {
  readonly type: number;
  readonly keyType: number;
  readonly valueType: number;
  /** Of a container: values to come, of a map keys and values. */
  left: number;
}

/**
 * Walks through a message, token by token, without making values of it, and can stop behind any of its
 * bytes: of what it has passed, only a token that was not whole is looked at again. So however a message is
 * cut into packets, it costs its bytes plus its packets, never their product.
 */
export class MessageWalk {
  #header: MessageHeader | undefined;
  #headerBytes = 0;
  /** A field of this type was begun, its value comes next; stop when none was. */
  #fieldType: number = WireCode.stop;
  readonly #opened: Open[] = [];
  readonly #reader: WireReader;
  readonly #limits: WireLimits;

  constructor(reader: WireReader, limits: WireLimits) {
    this.#reader = reader;
    this.#limits = limits;
  }

  /** That of the message walked through, once it has been passed. */
  get header(): MessageHeader | undefined {
    return this.#header;
  }

  /** Bytes from the beginning of the message to that of its body, once the header has been passed. */
  get headerBytes(): number {
    return this.#headerBytes;
  }

  /** Forgets the message: the next byte begins another. */
  restart(): void {
    this.#header = undefined;
    this.#fieldType = WireCode.stop;
    this.#opened.length = 0;
  }

  /** Walks on from reader.at: true when the message ends there, false when it goes on. */
  advance(): boolean {
    const reader = this.#reader;
    let passed = reader.at;
    try {
      if (this.#header === undefined) {
        this.#header = reader.readHeader();
        this.#headerBytes = reader.at - passed;
        this.#enter(WireCode.struct);
        passed = reader.at;
      }
      for (let top = this.#opened.at(-1); top !== undefined; top = this.#opened.at(-1)) {
        if (top.type === WireCode.struct) this.#stepInStruct();
        else this.#stepInContainer(top);
        passed = reader.at;
      }
      return true;
    } catch (error) {
      if (error !== moreNeeded) throw error;
      reader.at = passed;
      return false;
    }
  }

  #stepInStruct(): void {
    if (this.#fieldType !== WireCode.stop) {
      this.#enter(this.#fieldType);
      this.#fieldType = WireCode.stop;
      return;
    }
    this.#fieldType = this.#reader.fieldBegin();
    if (this.#fieldType === WireCode.stop) {
      this.#reader.structEnd();
      this.#opened.pop();
    }
  }

  #stepInContainer(top: Open): void {
    if (top.left === 0) {
      this.#opened.pop();
      return;
    }
    this.#enter(top.type === WireCode.map && top.left % 2 === 0 ? top.keyType : top.valueType);
    top.left--;
  }

  /** Passes a scalar, or opens what holds others. */
  #enter(type: number): void {
    const reader = this.#reader;
    if (reader.skipScalar(type)) return;
    if (this.#opened.length === this.#limits.depth) {
      throw new BrokenMessage(`values may lie ${this.#limits.depth} deep in each other, not more`);
    }
    const left = this.#begin(type);
    this.#opened.push({ type, keyType: reader.keyType, valueType: reader.valueType, left });
  }

  #begin(type: number): number {
    switch (type) {
      case WireCode.struct:
        this.#reader.structBegin();
        return 0;
      case WireCode.map:
        return this.#reader.mapBegin() * 2;
      case WireCode.set:
      case WireCode.list:
        return this.#reader.listBegin();
      default:
        throw new BrokenMessage(`there is no type ${type}`);
    }
  }
}
