// Short messages in the corner; screen readers announce them through the live region in base.html.

const SHOWN_MS = 6000;

export function toast(message, { action = null, label = "" } = {}) {
  const region = document.querySelector("[data-toasts]");
  const item = document.createElement("div");
  item.className = "toast";
  item.append(message);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      item.remove();
      action();
    });
    item.append(button);
  }
  region.append(item);
  let timer = setTimeout(() => item.remove(), SHOWN_MS);
  // A message stays while the pointer or the focus is on it.
  item.addEventListener("pointerenter", () => clearTimeout(timer));
  item.addEventListener("focusin", () => clearTimeout(timer));
  item.addEventListener("pointerleave", () => {
    timer = setTimeout(() => item.remove(), SHOWN_MS);
  });
  return item;
}
