// Session: says as whom the browser is logged in, and logs out.

import { FROM_PAGE, ask } from "./ask.js";
import { say } from "./rows.js";

const AGAIN_MS = 2000;

const place = document.querySelector("#session");

place.querySelector("button").addEventListener("click", async () => {
  await fetch("session", { method: "DELETE", headers: FROM_PAGE });
  location.assign("login");
});

/** Tell whether this browser may do what needs a role. */
export const may = async (role) => (await ask("session")).roles.includes(role);

/** Show it as soon as the worker tells. */
export async function keepShowing() {
  try {
    await show();
  } catch {
    setTimeout(keepShowing, AGAIN_MS); // the notices say what is amiss
  }
}

async function show() {
  const { user, can_log_in: canLogIn } = await ask("session");
  place.hidden = !canLogIn;
  say(place.querySelector("span"), user ?? "");
  place.querySelector("button").hidden = user === null;
  place.querySelector("a").hidden = user !== null;
}
