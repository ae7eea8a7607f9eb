// What was typed into a form whose sending failed because the session had ended: kept in this tab until its user has
// logged in and is back on the page of the form.

const KEY = "kept-form";
const NOT_TYPED = new Set(["password", "file", "submit", "button", "reset", "image"]);

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null; // storage may be forbidden, or hold something else
  }
}

function store(kept) {
  try {
    if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Not kept; the browser's back button may still help.
  }
}

// Another user of the same tab must not find it.
function account() {
  return document.querySelector("[data-account]")?.dataset.account ?? "";
}

function typedFields(form) {
  return [...form.elements].filter((field) => field.name && field.name !== "csrfmiddlewaretoken" && !NOT_TYPED.has(field.type));
}

// isLost: its user is known to be logged out; otherwise the next page tells.
export function keepForm(form, { isLost = false } = {}) {
  const fields = typedFields(form);
  if (!fields.some((field) => field.type !== "hidden")) return;
  store({
    isLost,
    account: account(),
    page: location.pathname + location.search,
    action: form.getAttribute("action"),
    hasFiles: [...form.elements].some((field) => field.type === "file" && field.files.length),
    values: fields.map(({ name, type, value, checked }) => ({ name, type, value, checked })),
  });
}

// To be called by a page that stands between a form and its page again: the login, or the form that has expired.
export function markAsLost() {
  const kept = stored();
  if (kept) store({ ...kept, isLost: true });
  return kept?.page ?? "";
}

// Fills the form of this page with what was kept, if this is its page. Returns {form, hasFiles}, or null.
export function restoreForm() {
  const kept = stored();
  store(null);
  if (!kept?.isLost || kept.account !== account() || kept.page !== location.pathname + location.search) return null;
  const form = [...document.forms].find((one) => one.method === "post" && one.getAttribute("action") === kept.action);
  if (!form) return null;
  const values = [...kept.values];
  for (const field of typedFields(form)) {
    const isChoice = field.type === "radio" || field.type === "checkbox";
    const found = values.findIndex(({ name, value }) => name === field.name && (!isChoice || value === field.value));
    if (found >= 0) fill(field, values.splice(found, 1)[0], isChoice);
  }
  return { form, hasFiles: kept.hasFiles };
}

function fill(field, { value, checked }, isChoice) {
  if (isChoice ? field.checked === checked : field.value === value) return;
  if (isChoice) field.checked = checked;
  else field.value = value;
  for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
}
