// The words of a transcript that the recogniser was unsure of, marked for the teacher to check.

const MOST_NAMED = 12;

// Pieces of the text in order, each {text, isDoubtful}. Segments and their doubtful words stand in the text in order.
export function pieces(text, segments) {
  const found = [];
  let position = 0;
  let from = 0;
  for (const segment of segments) {
    const start = text.indexOf(segment.text, from);
    if (start < 0) continue;
    from = start + segment.text.length;
    let at = start;
    for (const word of segment.doubtful ?? []) {
      const place = placeOf(word, text.slice(at, from)) + at;
      if (place < at) continue;
      if (place > position) found.push({ text: text.slice(position, place), isDoubtful: false });
      found.push({ text: text.slice(place, place + word.length), isDoubtful: true });
      position = at = place + word.length;
    }
  }
  if (position < text.length) found.push({ text: text.slice(position), isDoubtful: false });
  return found;
}

// The sentence may begin with a capital letter that its first word lacks; "sea" does not stand in "season".
function placeOf(word, sentence) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return sentence.search(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "iu"));
}

export function drawTranscript(box, note, narration) {
  const parts = pieces(narration.text, narration.segments ?? []);
  const nodes = parts.map(({ text, isDoubtful }) => {
    if (!isDoubtful) return text;
    return Object.assign(document.createElement("mark"), { className: "doubtful", textContent: text });
  });
  box.replaceChildren(...nodes);
  const words = [...new Set(parts.filter((part) => part.isDoubtful).map((part) => part.text))];
  note.hidden = !words.length;
  const more = words.length > MOST_NAMED ? ", …" : ".";
  note.textContent = `Possibly misheard, and marked: ${words.slice(0, MOST_NAMED).join(", ")}${more}`;
}
