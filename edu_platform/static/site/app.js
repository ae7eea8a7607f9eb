// Shared by every page: the theme switch, menus, confirmation dialogs, what was typed before the session ended.

import { keepForm, markAsLost, restoreForm } from "./kept_form.js";
import { toast } from "./toast.js";

const root = document.documentElement;
const darkBySystem = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : darkBySystem.matches;
}

function initThemeToggle(button) {
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      toast("This browser cannot remember your choice of theme.");
    }
    show();
  });
  darkBySystem.addEventListener("change", show);
  show();
}

function initMenu(menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// <form data-confirm="dialog-id">: the dialog's confirm button submits the form; without JavaScript the form just works.
function initConfirm(form) {
  const dialog = document.getElementById(form.dataset.confirm);
  let confirmed = false;
  form.addEventListener("submit", (event) => {
    if (confirmed) return;
    event.preventDefault();
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "confirm") return;
    confirmed = true;
    form.requestSubmit();
  });
}

// A page that wants other words takes the event "restored".
function tellOfRestored({ form, hasFiles }) {
  const isTold = !form.dispatchEvent(new CustomEvent("restored", { cancelable: true }));
  if (isTold) return;
  const note = document.createElement("div");
  note.className = "alert alert-info";
  note.tabIndex = -1;
  const words = "You had been logged out, and this was not saved. What you typed is here again; please submit it once more.";
  note.append(hasFiles ? `${words} Choose the file again first.` : words);
  form.before(note);
  note.focus();
}

const isSigningIn = Boolean(document.querySelector("[data-sign-in]"));
document.addEventListener("submit", (event) => {
  if (event.target.method === "post" && !isSigningIn && !event.defaultPrevented) keepForm(event.target);
});
if (isSigningIn) markAsLost();
// After the scripts of the page, which then treat it like something typed.
else addEventListener("DOMContentLoaded", () => {
  const restored = restoreForm();
  if (restored) tellOfRestored(restored);
});

document.querySelectorAll("[data-theme-toggle]").forEach(initThemeToggle);
document.querySelectorAll("details.menu").forEach(initMenu);
document.querySelectorAll("form[data-confirm]").forEach(initConfirm);
