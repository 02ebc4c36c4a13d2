import type { Firing } from '../../core/firing.ts';
import { heldMember } from './keys.ts';

interface Held {
  readonly generation: number;
  readonly attempt: number;
  readonly session: string;
}

/** Firings that the clockwork has from this node, and the session under which each was claimed. */
export class HandedOut {
  /** By member of held:<session>. */
  readonly #held = new Map<string, Held>();

  add(firing: Firing, session: string): void {
    const { generation, attempt } = firing;
    this.#held.set(heldMember(firing.key, firing), { generation, attempt, session });
  }

  /** Somebody has that member of held:<session>, in whatever attempt. */
  has(member: string): boolean {
    return this.#held.has(member);
  }

  /** Undefined of a firing that is not handed out, or meanwhile as a later attempt or of a later plan. */
  sessionOf(firing: Firing): string | undefined {
    const held = this.#held.get(heldMember(firing.key, firing));
    const isIt = held?.generation === firing.generation && held.attempt === firing.attempt;
    return isIt ? held.session : undefined;
  }

  delete(firing: Firing): void {
    if (this.sessionOf(firing) !== undefined) this.#held.delete(heldMember(firing.key, firing));
  }
}
