import type { Socket } from 'node:net';

import thrift from 'thrift';

import type { Cancel, Clock } from '../core/time.ts';
import { addressOf, type Destination, dial } from './dial.ts';
import { ForsunConnectionError, type ConnectionTrouble } from './errors.ts';
import { generated, type GeneratedClient } from './generated.ts';
import { BrokenMessage } from '../wire/faults.ts';
import { MessageCutter } from './message-cutter.ts';
import { bringing, ParamSafeProtocol } from './param-safe-protocol.ts';

export interface ConnectionOptions extends Destination {
  /** Brought with each call; absent: none. */
  readonly token: string | undefined;
  readonly connectTimeoutMs: number;
  readonly timeoutMs: number;
  readonly maxReplyBytes: number;
  readonly clock: Clock;
}

type Fail = (error: ForsunConnectionError) => void;

/**
 * One connection with calls in flight. On any fault, and when a reply is overdue, it is over for good:
 * every call in flight fails at once, and none hangs. It keeps the process up while calls wait, not longer.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #client: GeneratedClient;
  readonly #cutter: MessageCutter;
  readonly #waiting = new Set<Fail>();
  readonly #cancelConnectTimeout: Cancel;
  #isConnected = false;
  #hasReceived = false;
  #isOver = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#cutter = new MessageCutter(options.maxReplyBytes);
    const output = new thrift.TBufferedTransport(undefined, (message) => this.#send(message));
    const { token } = options;
    const protocol = token === undefined ? ParamSafeProtocol : bringing(token);
    this.#client = new generated.Client(output, protocol);

    const { socket, arrival } = dial(options);
    this.#socket = socket;
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, 60_000);
    this.#socket.on(arrival, () => this.#connected());
    this.#socket.on('data', (packet: Buffer) => this.#receive(packet));
    this.#socket.on('error', (error) => this.#fail(this.#trouble(), this.#describe(error), error));
    this.#socket.on('end', () => this.#fail(this.#trouble(), this.#endReason()));
    this.#socket.on('close', () => this.#fail('lost', 'it was closed'));
    this.#cancelConnectTimeout = options.clock.after(options.connectTimeoutMs, () =>
      this.#fail('unreachable', `no answer within ${options.connectTimeoutMs} ms`),
    );
  }

  /** False once it has failed or was closed: then a new one is needed. */
  get isUsable(): boolean {
    return !this.#isOver;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The reply of a call of the generated client, or its failure; always one of both. */
  call<Reply>(invoke: (client: GeneratedClient) => Promise<Reply>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancelTimeout();
        this.#waiting.delete(fail);
        if (this.#waiting.size === 0) this.#socket.unref();
      };
      const fail: Fail = (error) => {
        settle();
        reject(error);
      };
      const cancelTimeout = this.#options.clock.after(this.#options.timeoutMs, () =>
        this.#fail('timeout', `no reply within ${this.#options.timeoutMs} ms`),
      );
      this.#waiting.add(fail);
      this.#socket.ref();
      invoke(this.#client).finally(settle).then(resolve, reject);
    });
  }

  /** Ends it; calls in flight fail. */
  destroy(): void {
    this.#fail('closed', 'the client was closed');
  }

  #connected(): void {
    this.#isConnected = true;
    this.#cancelConnectTimeout();
  }

  /** Calls of one turn of the loop leave as one packet. */
  #send(message: Buffer | undefined): void {
    if (message === undefined) return;
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(message);
  }

  #receive(packet: Buffer): void {
    this.#hasReceived = true;
    try {
      for (const message of this.#cutter.push(packet)) this.#deliver(message);
    } catch (error) {
      this.#fail('lost', describe(error), error);
    }
  }

  /** Settles the call whose reply this is, by the generated code's own bookkeeping. */
  #deliver(message: Buffer): void {
    const input = new ParamSafeProtocol(new thrift.TFramedTransport(message), true);
    const { fname, mtype, rseqid } = input.readMessageBegin();
    const receivers = this.#client as unknown as Partial<Record<string, Receiver>>;
    const receive = receivers[`recv_${fname}`];
    if (receive !== undefined) receive.call(this.#client, input, mtype, rseqid);
    else if (mtype === thrift.Thrift.MessageType.EXCEPTION) throw readException(input);
    else
      throw new BrokenMessage(
        `a reply to ${JSON.stringify(fname.slice(0, 64))}, which was not called`,
      );
  }

  /** What an error of the socket means for the calls: before there was a connection, none was sent. */
  #trouble(): ConnectionTrouble {
    return this.#isConnected ? 'lost' : 'unreachable';
  }

  #endReason(): string {
    const { tls } = this.#options;
    if (tls !== undefined && !this.#isConnected) return maybeNoTls;
    if (this.#hasReceived) return closed;
    if (tls === undefined) return `${closed}; it may want TLS`;
    // With TLS 1.3 a client learns no other way what the server thinks of its certificate.
    return tls.cert === undefined
      ? closed
      : `${closed}; it may not accept the certificate it was shown`;
  }

  #describe(error: Error): string {
    if (this.#options.tls === undefined) return describe(error);
    const code = 'code' in error ? String(error.code) : '';
    if (code === 'ECONNRESET' || code === 'EPIPE') return this.#endReason();
    return tlsErrors[code] ?? describe(error);
  }

  #fail(trouble: ConnectionTrouble, reason: string, cause?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelConnectTimeout();
    this.#socket.destroy();
    const message = `${prefixes[trouble]} ${addressOf(this.#options)}: ${reason}`;
    for (const fail of [...this.#waiting]) {
      fail(new ForsunConnectionError(trouble, message, { cause }));
    }
  }
}

type Receiver = (input: ParamSafeProtocol, type: number, seqid: number) => void;

/** A server that refuses the peer says why before it closes, in reply to no call. */
function readException(input: ParamSafeProtocol): Error {
  const exception = new thrift.Thrift.TApplicationException();
  exception.read(input);
  return exception;
}

const prefixes: Readonly<Record<ConnectionTrouble, string>> = {
  unreachable: 'cannot reach forsund at',
  lost: 'lost the connection to forsund at',
  timeout: 'no answer from forsund at',
  closed: 'connection to forsund at',
  full: 'too many calls to forsund at',
};

/** The errors a person meets, in words; of the rest, what the system says. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return systemErrors[code] ?? (error instanceof Error ? error.message : String(error));
}

const closed = 'the server closed it';
const maybeNoTls = `${closed}; it may have no TLS`;

const tlsErrors: Readonly<Partial<Record<string, string>>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'it has no TLS',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'it asks for a client certificate, or speaks other ciphers',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed, and not among the authorities',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of no authority that is trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of no authority that is trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of no authority that is trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

const systemErrors: Readonly<Partial<Record<string, string>>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by the server',
  EPIPE: 'connection closed by the server',
  ENOENT: 'no such socket',
  EACCES: 'permission denied',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be resolved',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
};
