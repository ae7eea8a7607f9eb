"""Teaching text of any length, no sentence twice: the same sentence again would come from the cache."""

from __future__ import annotations

SUBJECTS = (
    "The young leaf", "A drop of water", "The warm current", "Every living cell", "The old map", "A beam of light",
    "The spinning planet", "A careful reader", "The smallest number", "Each turn of the wheel", "The long experiment",
)  # fmt: skip
VERBS = (
    "shows us", "quietly explains", "depends on", "was named after", "can be compared with", "slowly changes",
    "keeps a record of", "is built from", "reminds people of", "moves along with", "begins with",
)  # fmt: skip
OBJECTS = (
    "the path of the sun", "a pattern that nobody planned", "the weight of the air", "many small decisions",
    "the shape of its neighbours", "a simple rule", "the history of the place", "the energy that flows through it",
    "a question from the last lesson", "the difference between two temperatures", "what we measured before",
)  # fmt: skip
ENDINGS = (".", ".", ", as we saw in the last lesson.")
CHARACTERS_PER_SECOND = 15.5  # of finished video, pauses between sentences included


def sentences(count: int) -> list[str]:
    """Return up to 1,331 different sentences; the same ones every time."""
    choices = len(SUBJECTS)
    texts = []
    for index in range(count):
        subject = SUBJECTS[index % choices]
        verb = VERBS[(index // choices + index) % choices]
        thing = OBJECTS[(index // choices**2 + 2 * index) % choices]
        texts.append(f"{subject} {verb} {thing}{ENDINGS[index % len(ENDINGS)]}")
    return texts


def lesson(seconds: float, part: int = 0) -> str:
    """Return about that many seconds of teaching text; another ``part`` has other sentences."""
    per_part = max(2, round(seconds / 1.8))
    text: list[str] = []
    for sentence in sentences((part + 1) * per_part)[part * per_part :]:
        text.append(sentence)
        if len(" ".join(text)) / CHARACTERS_PER_SECOND >= seconds:
            break
    return " ".join(text)
