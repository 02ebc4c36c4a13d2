import { quote } from '../core/errors.ts';
import type { ExtensionSettings } from './extension.ts';

/** What forsun.conf and variables can spell, both of which are read in any case. */
const form = /^[a-z0-9_]+$/;

/** Settings of one extension that remember which of them it knows. */
export class AskedSettings implements ExtensionSettings {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #unasked: Set<string>;

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
    this.#unasked = new Set(texts.keys());
  }

  get(key: string): string | undefined {
    if (!form.test(key)) {
      throw new Error(
        `it asks for the setting ${quote(key)}; keys are lower-case letters, digits and _`,
      );
    }
    this.#unasked.delete(key);
    return this.#texts.get(key);
  }

  /** Set, and never asked for. */
  get unknown(): readonly string[] {
    return [...this.#unasked];
  }
}
