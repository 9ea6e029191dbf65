// Live: addresses in, their answers out, sent by the worker whenever they change.

import { refusalOf } from "./ask.js";

const SILENT_MS = 2000; // a worker sends a beat each second
const AGAIN_MS = 1000;

let source = null;
let followed = "";
let heardAt = performance.now();
let told = {};

/** Say who is told of answers, of beats, of silence and of a refusal. */
export function onLive({ answer, beat, silence, refusal }) {
  told = { answer, beat, refusal };
  setInterval(() => {
    if (performance.now() - heardAt > SILENT_MS) silence();
  }, 250);
}

/** Follow these addresses, and no longer those from before. */
export function follow(addresses) {
  const of = [...new Set(addresses)].join(" ");
  if (of === followed && source) return;
  followed = of;
  open();
}

function open() {
  source?.close();
  const mine = new EventSource(`live?${new URLSearchParams({ of: followed })}`);
  source = mine;
  const heard = (tell) => ({ data }) => {
    if (source !== mine) return;
    heardAt = performance.now();
    tell(JSON.parse(data));
  };
  mine.addEventListener("answer", heard((event) => told.answer(event)));
  mine.addEventListener("beat", heard((event) => told.beat(event)));
  mine.addEventListener("error", () => mine === source && again(mine));
}

/** A browser asks again by itself, but not after a refusal: find out why, and try again. */
async function again(mine) {
  if (mine.readyState !== EventSource.CLOSED) return;
  const refusal = await refusalOf(`${mine.url}&seconds=1`);
  if (source !== mine) return;
  if (refusal) told.refusal(refusal);
  setTimeout(() => source === mine && open(), AGAIN_MS);
}
