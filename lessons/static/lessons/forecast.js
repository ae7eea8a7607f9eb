// When the video would be ready: requested a moment after the last change of text or look.

import { postForm } from "../site/http.js";

const QUIET_MS = 600;

export class Forecast {
  // onForecast(forecast) gets null when there is no forecast.
  constructor(url, form, onForecast) {
    this.url = url;
    this.form = form;
    this.onForecast = onForecast;
    this.asked = 0;
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), QUIET_MS);
  }

  async now() {
    clearTimeout(this.timer);
    const number = (this.asked += 1);
    const values = new FormData(this.form);
    for (const [name, value] of [...values]) if (value instanceof File) values.delete(name);
    let forecast = null;
    try {
      forecast = values.get("script")?.trim() ? (await postForm(this.url, values)).forecast : null;
    } catch {
      // No network, or logged out: the next click reports it.
    }
    if (number === this.asked) this.onForecast(forecast);
  }
}

// Asks before a long wait. Resolves to "generate", "generate-fast" or null.
export function askAboutWait(dialog, forecast, isFast) {
  dialog.querySelector("[data-wait-words]").textContent = forecast.words;
  dialog.querySelector("[value=generate-fast]").hidden = isFast;
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue.startsWith("generate") ? dialog.returnValue : null), {
      once: true,
    });
    dialog.returnValue = "";
    dialog.showModal();
  });
}
