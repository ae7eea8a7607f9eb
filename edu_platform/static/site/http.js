// Requests to our own site, with the CSRF token of the page.

// What went wrong, as the server said it: the pages answer {"error": {message, hint}}, the API {message, hint}.
export class HttpError extends Error {
  constructor(status, body) {
    const said = body?.error ?? body;
    super(said?.message ?? `The server answered ${status}.`);
    this.status = status;
    this.body = body;
    this.hint = said?.hint ?? "";
  }
}

function csrfToken() {
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

async function send(url, options) {
  const response = await fetch(url, {
    credentials: "same-origin",
    ...options,
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken(), ...options.headers },
  });
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const body = isJson ? await response.json() : null;
  // A page instead of JSON means that the log-in has run out and we were sent to the log-in form.
  if (!response.ok || !isJson) throw new HttpError(response.ok ? 401 : response.status, body);
  return body;
}

export function getJson(url) {
  return send(url, { method: "GET" });
}

export function postJson(url, data, options = {}) {
  return send(url, {
    method: "POST",
    body: JSON.stringify(data),
    headers: { "Content-Type": "application/json" },
    ...options,
  });
}

export function postForm(url, formData) {
  return send(url, { method: "POST", body: formData });
}
