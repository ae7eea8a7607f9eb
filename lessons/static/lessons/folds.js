// Panels of the editor that are closed on a phone: their line says what is chosen, and the video is not six screens away.

const IS_NARROW = "(max-width: 40rem)";

export function initFolds(form) {
  for (const fold of form.querySelectorAll("[data-fold]")) {
    const hasProblem = fold.querySelector(".field-error, [aria-invalid=true], .alert-warn, .alert-bad:not([hidden])");
    if (matchMedia(IS_NARROW).matches && !hasProblem) fold.open = false;
  }
  drawFolds(form);
}

export function drawFolds(form) {
  for (const fold of form.querySelectorAll("[data-fold]")) {
    const chosen = fold.querySelector("input[type=radio]:checked")?.closest("label");
    const words = chosen?.querySelector(".choice-card-title > span")?.textContent.trim() ?? "";
    fold.querySelector("[data-fold-chosen]").textContent = words;
  }
}

// An error in a closed panel would be invisible.
export function unfold(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}
