// Ask: a path and parameters in, the worker's JSON answer out, or an error that says what is wrong.

const DEADLINE_MS = 8000;

export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null);
  const query = new URLSearchParams(given).toString();
  const response = await fetch(query ? `${path}?${query}` : path, {
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const answer = await response.json();
  if (!response.ok) throw new HttpError(response.status, answer.error);
  return answer;
}
