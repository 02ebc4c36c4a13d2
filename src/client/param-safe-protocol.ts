import thrift, { type Thrift } from 'thrift';

const { TBinaryProtocol } = thrift;

/**
 * The generated code keeps a map in a plain object, where a param called `__proto__` vanishes and one called
 * `hasOwnProperty` breaks the whole plan. So inside the object, and only there, every name carries a mark:
 * this protocol adds it to the names it reads and takes it off the names it writes.
 */
export class ParamSafeProtocol extends TBinaryProtocol {
  /** Strings passed in the map being read or written; undefined outside of a map. */
  #strings: number | undefined;

  override readMapBegin() {
    this.#strings = 0;
    return super.readMapBegin();
  }

  override readMapEnd(): void {
    this.#strings = undefined;
    super.readMapEnd();
  }

  override readString(): string {
    const text = super.readString();
    return this.#isName() ? MARK + text : text;
  }

  override writeMapBegin(ktype: Thrift.Type, vtype: Thrift.Type, size: number): void {
    this.#strings = 0;
    super.writeMapBegin(ktype, vtype, size);
  }

  override writeMapEnd(): void {
    this.#strings = undefined;
    super.writeMapEnd();
  }

  override writeString(text: string): void {
    super.writeString(this.#isName() ? text.slice(MARK.length) : text);
  }

  /** Names and values take turns. */
  #isName(): boolean {
    return this.#strings !== undefined && this.#strings++ % 2 === 0;
  }
}

/** The protocol of a client that brings a token with each call: as the service that the call is for. */
export const bringing = (token: string): typeof ParamSafeProtocol =>
  class extends ParamSafeProtocol {
    override writeMessageBegin(name: string, type: Thrift.MessageType, seqid: number): void {
      super.writeMessageBegin(`${token}:${name}`, type, seqid);
    }
  };

const MARK = '=';

export const markedObject = (map: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...map].map(([name, value]) => [MARK + name, value]));

export const unmarkedMap = (marked: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(Object.entries(marked).map(([name, value]) => [name.slice(MARK.length), value]));
