import * as nodeModule from 'node:module';

interface Hooks {
  resolve(
    specifier: string,
    context: unknown,
    next: (specifier: string, context: unknown) => unknown,
  ): unknown;
}

/**
 * Whoever imports `specifier` from now on, from wherever, gets that module of ours and no copy of it that
 * may lie nearer: its classes and registries must be one.
 */
export function offerModule(specifier: string, url: string): void {
  // Node 22 has hooks in the same thread, Node 20 only such as are given as the source of a module.
  const { registerHooks } = nodeModule as { registerHooks?: (hooks: Hooks) => void };
  if (registerHooks === undefined) {
    nodeModule.register(`data:text/javascript,${encodeURIComponent(sourceOf(specifier, url))}`);
    return;
  }
  registerHooks({
    resolve: (came, context, next) =>
      came === specifier ? { url, shortCircuit: true } : next(came, context),
  });
}

const sourceOf = (specifier: string, url: string): string => `
export const resolve = (came, context, next) =>
  came === ${JSON.stringify(specifier)}
    ? { url: ${JSON.stringify(url)}, shortCircuit: true }
    : next(came, context);`;
