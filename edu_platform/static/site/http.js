// Requests to our own site, with the CSRF token of the page.

// An error as the server reported it: the pages answer {"error": {message, hint}}, the API {message, hint}.
export class HttpError extends Error {
  constructor(status, body) {
    const error = body?.error ?? body;
    super(error?.message ?? (status === 401 ? "You have been logged out." : `The server answered ${status}.`));
    this.status = status;
    this.body = body;
    this.hint = error?.hint ?? "";
  }
}

// Where to log in again and come back to this page.
export function loginAddress() {
  return `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
}

// The cookie's token, not the one in the page: after a new login in another window only the cookie's is valid.
function csrfToken() {
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

async function send(url, options) {
  const response = await fetch(url, {
    credentials: "same-origin",
    ...options,
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken(), ...options.headers },
  });
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const body = isJson ? await response.json() : null;
  // A page instead of JSON means that the session has expired and the request was redirected to the login form.
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
  formData.set("csrfmiddlewaretoken", csrfToken()); // Django looks here first
  return send(url, { method: "POST", body: formData });
}
