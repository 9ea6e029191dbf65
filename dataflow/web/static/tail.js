// Tail: a topic in, its newest events as the worker sends them out.

import { refusalOf } from "./ask.js";

const AGAIN_MS = 2000;

export class Tail {
  #tell;
  #source = null;
  #timer;

  constructor(tell) {
    this.#tell = tell;
  }

  /** Follow this topic, and no longer the one from before. */
  follow(topic) {
    this.close();
    const address = `topics/${encodeURIComponent(topic)}/tail`;
    const source = new EventSource(address);
    this.#source = source;
    source.addEventListener("events", ({ data }) => this.#tell.events(JSON.parse(data)));
    source.addEventListener("fault", ({ data }) => this.#tell.fault(`Nothing comes: ${JSON.parse(data).error}. Trying again.`));
    source.addEventListener("error", () => this.#lost(source, topic, address));
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** A browser asks again by itself, but not after a refusal: find out why, and try again later. */
  async #lost(source, topic, address) {
    if (source.readyState !== EventSource.CLOSED || source !== this.#source) return;
    const refusal = await refusalOf(`${address}?seconds=1`);
    if (source !== this.#source) return;
    if (refusal) this.#tell.fault(refusal.status ? `Refused (${refusal.status}): ${refusal.message}.` : "The worker does not answer. Trying again.");
    this.#timer = setTimeout(() => this.follow(topic), AGAIN_MS);
  }
}
