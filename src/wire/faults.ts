/** The stream cannot be followed any further, or may not be: the connection has to be closed. */
export class BrokenMessage extends Error {
  override readonly name = 'BrokenMessage';
}

/** A value in a message that is whole: the call is refused, the connection lives. */
export class RefusedValue extends Error {
  override readonly name = 'RefusedValue';
}

/** Thrown, always the same one, when a token goes on behind the bytes that are there. */
export const moreNeeded = new Error('the message goes on behind the bytes that are there');
