// Ask: a path and parameters in, the worker's JSON answer out, or an error that says what is wrong.

const DEADLINE_MS = 8000;

/** With it a worker answers 401 without asking the browser for its own dialog: there is a page to log in. */
export const FROM_PAGE = { "X-Requested-With": "Dataflow" };

export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Return why a stream of events is refused, an HttpError if the worker says so; null where it is not. */
export async function refusalOf(address) {
  try {
    const response = await fetch(address, { headers: FROM_PAGE, signal: AbortSignal.timeout(DEADLINE_MS) });
    if (response.status === 401) location.assign("login");
    if (!response.ok) return new HttpError(response.status, (await response.json()).error);
    response.body.cancel();
    return null;
  } catch (error) {
    return error;
  }
}

export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null);
  const query = new URLSearchParams(given).toString();
  const response = await fetch(query ? `${path}?${query}` : path, {
    headers: FROM_PAGE,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (response.status === 401) location.assign("login");
  const answer = await response.json();
  if (!response.ok) throw new HttpError(response.status, answer.error);
  return answer;
}
