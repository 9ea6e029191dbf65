// Login: a user and a password in, a session that the browser keeps out.

import { FROM_PAGE } from "./ask.js";
import { say } from "./rows.js";

const form = document.querySelector("#login");
const trouble = document.querySelector("#trouble");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { user, password } = Object.fromEntries(new FormData(form));
  const response = await fetch("session", {
    method: "POST",
    headers: { ...FROM_PAGE, "Content-Type": "application/json" },
    body: JSON.stringify({ user, password }),
  });
  if (response.ok) return location.replace("./");
  const { error } = await response.json();
  say(trouble, response.status === 401 ? "User or password is wrong." : error);
  form.elements.password.select();
});
form.querySelector("button").disabled = false; // before, the browser itself would send the form, the password in its address
