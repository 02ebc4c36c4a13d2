/** What a caller may do; each role holds those before it. */
export type Role = 'read' | 'write' | 'admin';

/** What is asked of a door: the role it takes, and what it touches. */
export interface Wish {
  readonly role: Role;
  /** The plan it is about; absent where it is about all of them, as `info` is. */
  readonly key?: string;
  /** Keys it lists begin so; a caller that is kept to a prefix may list no others. */
  readonly prefix?: string;
  /** The action of a plan that is to be made. */
  readonly action?: string;
}

/** Whom a door serves, as far as its address, certificate or token tells. */
export interface Caller {
  /** For logs: never a token. */
  readonly name: string;
  /** It brought no token where one may do more: a refusal is to ask it for one. */
  readonly lacksToken?: true;
  /** Is shown secret params as they are. */
  readonly seesSecrets: boolean;
  /** Why the caller may not have what it asks for, to be told so; undefined when it may. */
  refusal(wish: Wish): string | undefined;
  /** Whether it may have that, where nothing is refused if not. */
  may(wish: Wish): boolean;
}

/** May do all there is, as whoever reaches a server without a token file does. */
export const everybody: Caller = {
  name: 'everybody',
  seesSecrets: true,
  refusal: () => undefined,
  may: () => true,
};
