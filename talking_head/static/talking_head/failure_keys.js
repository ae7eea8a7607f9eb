// The keys j and k lead to the next failure to review. A checkbox turns them off, because users of speech input would
// press them unintentionally; the choice is stored.

const STORED = "lectern-failure-keys";
const box = document.querySelector("[data-keys]");
box.checked = localStorage.getItem(STORED) !== "off";
box.parentElement.hidden = false;
box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (!box.checked || isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
});
