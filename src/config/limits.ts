import { type Config, settings } from './schema.ts';
import { isSetting } from './setting.ts';

/** Every limit among the settings, those with MAX in their names, by its name in lower case. */
export const limitsOf = (config: Config): ReadonlyMap<string, string> =>
  new Map(limitsIn(settings, config));

function limitsIn(node: object, value: unknown): [string, string][] {
  if (isSetting(node)) {
    return node.name.split('_').includes('MAX') ? [[node.name.toLowerCase(), String(value)]] : [];
  }
  const values = new Map(Object.entries(value ?? {}));
  return Object.entries(node).flatMap(([name, child]: [string, object]) =>
    limitsIn(child, values.get(name)),
  );
}
