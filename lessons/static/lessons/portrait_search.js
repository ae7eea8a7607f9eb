// The portraits of the editor that have the words of the search field in their names: the page without JavaScript answers
// the same request with the whole editor, of which this shows the portraits.

export async function showFoundPortraits(form, list) {
  const body = new FormData(form);
  body.delete("recording"); // it is not needed for this and may have megabytes
  body.set("action", "find-portraits");
  const response = await fetch(form.action, { method: "POST", body });
  if (!response.ok) throw new Error("The portraits could not be searched. Try again.");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  list.replaceChildren(...page.querySelector("[data-portraits]").childNodes);
}
