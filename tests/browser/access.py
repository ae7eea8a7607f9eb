"""What a page must be for people with a keyboard, a screen reader or a small window."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def assert_accessible(page: Page, *, except_for: tuple[str, ...] = ()) -> None:
    """No violation of any of axe's rules on the page as it is now, except for the rules named."""
    violations = [rule for rule in Axe().run(page).response["violations"] if rule["id"] not in except_for]
    found = [f"{rule['id']}: {node['html'][:200]}" for rule in violations for node in rule["nodes"]]
    assert not found, f"{page.url}\n" + "\n".join(found)


def assert_fits(page: Page) -> None:
    """Nothing sticks out to the right of the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"


# The element with the focus if something hides it; "" when it is in sight, null on the page itself. A frame later:
# where motion is reduced, transitions last that long.
FOCUS_IN_SIGHT = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  await Promise.allSettled(transitions.map((transition) => transition.finished));
  const element = document.activeElement;
  if (element === document.body) return null;
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const x = (Math.max(left, 0) + Math.min(right, document.documentElement.clientWidth)) / 2;
  const [from, to] = [Math.max(top, 0), Math.min(bottom, innerHeight)];
  const ys = from < to ? [0.1, 0.5, 0.9].map((part) => from + part * (to - from)) : [];
  const isSeen = ys.some((y) => {
    const hit = document.elementFromPoint(x, y);
    return hit && (element.contains(hit) || hit.contains(element) || hit.closest('label')?.control === element);
  });
  return isSeen ? '' : element.outerHTML.slice(0, 120);
}"""
MOST_STOPS = 150


def assert_focus_stays_in_sight(page: Page, key: str = "Tab") -> None:
    """Wherever the key leads, through the whole page, what has the focus is in the window and nothing covers it."""
    page.evaluate("document.activeElement?.blur?.()")
    stops: list[str | None] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        hidden = page.evaluate(FOCUS_IN_SIGHT)
        if hidden is None and stops:
            break
        stops.append(hidden)
    assert len(stops) > 2, f"{page.url}: the keyboard reaches nothing"
    hidden_stops = [element for element in stops if element]
    assert not hidden_stops, f"{page.url}: {key}: " + "\n".join(hidden_stops)
