// The page that says that a form has expired: what was typed is kept, and the link leads back to the form.

import { markAsLost } from "./kept_form.js";

const page = markAsLost();
if (page) {
  const link = document.querySelector("[data-back-to-form]");
  link.href = page;
  link.hidden = false;
  document.querySelector("[data-otherwise]").hidden = true;
}
