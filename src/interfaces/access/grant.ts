import { quote } from '../../core/errors.ts';
import type { Role, Wish } from './caller.ts';

export const roles: readonly Role[] = ['read', 'write', 'admin'];

/** What somebody may do. */
export interface Grant {
  /** Theirs, for logs. */
  readonly name: string;
  readonly role: Role;
  /** Only plans whose keys begin so; absent: all. */
  readonly prefix?: string;
  /** Only plans of these actions may be made; absent: of all. */
  readonly actions?: readonly string[];
}

/** Why the grant does not cover the wish, for its holder to read; undefined when it does. */
export function refusalBy({ name, role, prefix, actions }: Grant, wish: Wish): string | undefined {
  if (roles.indexOf(role) < roles.indexOf(wish.role)) {
    return `${name} has the role ${role}, this takes ${wish.role}`;
  }
  const touched = wish.key ?? wish.prefix;
  if (prefix !== undefined && touched?.startsWith(prefix) === false) {
    const came =
      touched === '' && wish.key === undefined ? 'all were asked for' : `${quote(touched)} came`;
    return `${name} is kept to keys that begin with ${quote(prefix)}, ${came}`;
  }
  if (wish.action !== undefined && actions?.includes(wish.action) === false) {
    return `${name} may make plans of ${actions.join(', ')}, ${quote(wish.action)} came`;
  }
  return undefined;
}
