import type { Dispatcher } from 'undici';

import type { RunCut } from './run-cut.ts';

export type HttpRequest = Pick<Dispatcher.DispatchOptions, 'path' | 'method'> & {
  /** Flat names and values. */
  readonly headers: string[];
  readonly body: string | null;
};

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * One request and the head of its response, once the body has been read and dropped: to its end, which
 * leaves the connection for the next request, or past the cap, which closes it. Rejects with the
 * transport's error. undici's request() does the same by a stream and a signal for each, at three times
 * the cost.
 */
export function send(
  dispatcher: Dispatcher,
  request: HttpRequest,
  capBytes: number,
  cut: RunCut,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let response: HttpResponse | undefined;
    let bodyBytes = 0;
    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        cut.onCut(() => {
          controller.abort(new Error('cut'));
        });
      },
      onResponseStart(_, status, headers) {
        response = { status, headers }; // a 1xx is followed by the one that counts
      },
      onResponseData(controller, chunk) {
        bodyBytes += chunk.length;
        if (bodyBytes <= capBytes || response === undefined) return;
        resolve(response);
        controller.abort(new Error('enough'));
      },
      onResponseEnd() {
        if (response === undefined) reject(new TypeError('an end without a start'));
        else resolve(response);
      },
      onResponseError(_, error) {
        reject(error);
      },
    });
  });
}
