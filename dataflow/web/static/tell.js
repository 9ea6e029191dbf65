// Tell: a change in, the worker's JSON answer out, or an error that says what is wrong.

import { FROM_PAGE, HttpError } from "./ask.js";

const DEADLINE_MS = 60_000;

async function send(path, options) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(DEADLINE_MS) });
  if (response.status === 401) location.assign("login");
  if (response.ok) return response;
  const { error } = await response.json();
  throw new HttpError(response.status, error);
}

/** Send a JSON text to a path, and return the answer. */
export async function tell(method, path, text = "{}", headers = {}) {
  const sent = { ...FROM_PAGE, "Content-Type": "application/json", ...headers };
  return (await send(path, { method, headers: sent, body: text })).json();
}

/** Return a document exactly as it is kept, and its version. */
export async function read(path) {
  const response = await send(path, { headers: FROM_PAGE });
  return { text: await response.text(), etag: response.headers.get("ETag") };
}

/** Say what has gone wrong, for people. */
export function faultOf(error) {
  if (error instanceof HttpError) return `Refused (${error.status}): ${error.message}.`;
  if (error instanceof SyntaxError) return `This is not JSON: ${error.message}.`;
  return "The worker does not answer. Try again.";
}
