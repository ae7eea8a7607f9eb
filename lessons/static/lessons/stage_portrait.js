// The stage shows the chosen portrait until there is a video or preview. Without a portrait there is no img at all: one
// without a picture is not valid.

export function drawPortrait(form, stage) {
  const picture = form.querySelector("[name=portrait]:checked")?.closest("label").querySelector("img");
  let image = stage.querySelector("[data-stage-portrait]");
  if (!picture) {
    image?.remove();
    return;
  }
  if (!image) {
    image = Object.assign(document.createElement("img"), { alt: "" });
    image.dataset.stagePortrait = "";
    stage.prepend(image);
  }
  image.src = picture.src;
}
