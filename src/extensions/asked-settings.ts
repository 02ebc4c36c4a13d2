import type { ExtensionSettings } from './extension.ts';

/** Settings of one extension that remember which of them it knows. */
export class AskedSettings implements ExtensionSettings {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #unasked: Set<string>;

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
    this.#unasked = new Set(texts.keys());
  }

  get(key: string): string | undefined {
    this.#unasked.delete(key);
    return this.#texts.get(key);
  }

  /** Set, and never asked for. */
  get unknown(): readonly string[] {
    return [...this.#unasked];
  }
}
