import type { FastifyInstance } from 'fastify';

import { HttpRefusal } from './refusal.ts';

/** Adds the routes, and a 405 for every other method of their paths, which says what there is. */
export function addWithOtherMethods(
  server: FastifyInstance,
  addRoutes: (server: FastifyInstance) => void,
): void {
  void server.register(async (scope) => {
    const methodsOf = new Map<string, Set<string>>();
    let isOurs = true;
    scope.addHook('onRoute', ({ url, prefix, method }) => {
      if (!isOurs) return;
      const path = url.slice(prefix.length);
      const methods = methodsOf.get(path) ?? new Set();
      for (const one of [method].flat()) methods.add(one);
      methodsOf.set(path, methods);
    });
    addRoutes(scope);
    isOurs = false;
    for (const [url, methods] of methodsOf) {
      const allow = [...methods].join(', ');
      const refuse = async ({ method }: { readonly method: string }): Promise<never> => {
        throw new HttpRefusal(405, `there is no ${method} here, expected ${allow}`, { allow });
      };
      const others = scope.supportedMethods.filter((method) => !methods.has(method));
      // Before a body is looked at.
      scope.route({ url, method: others, onRequest: refuse, handler: refuse });
    }
  });
}
