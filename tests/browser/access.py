"""What a page must be for people with a keyboard, a screen reader or a small window."""

from __future__ import annotations

from typing import Literal

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


# Defines hidden(): what has the focus if something hides it; "" when it is in sight, null on the page itself. Asks
# again two frames later: where motion is reduced, transitions last that long.
HIDDEN = """
function look() {
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
}
async function hidden() {
  if (!look()) return look();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  await Promise.allSettled(transitions.map((transition) => transition.finished));
  return look();
}
"""
FOCUS_IN_SIGHT = f"async () => {{ {HIDDEN} return hidden(); }}"
# Gives everything that the Tab key could reach the focus, as the key would. How many there are, and what is hidden.
EVERY_STOP = f"""async () => {{
  {HIDDEN}
  const reachable = 'a[href], button, input, select, textarea, summary, video[controls], audio[controls], [tabindex]';
  const stops = [...document.querySelectorAll(reachable)].filter(
    (one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({{ visibilityProperty: true }}),
  );
  const found = [];
  for (const stop of stops) {{
    stop.focus();
    if (document.activeElement !== stop) continue;
    const words = await hidden();
    if (words) found.push(words);
  }}
  document.activeElement.blur();
  return [stops.length, found];
}}"""
MOST_STOPS = 150
# A page may open with the focus in a form; the next key then leads on from the body.
BEGIN = "(body => { body.tabIndex = -1; body.focus(); body.removeAttribute('tabindex'); })(document.body)"


def show_as(page: Page, viewport: dict[str, int], colours: Literal["light", "dark"]) -> None:
    """Changes the window and the colours of an open page, and waits until it is drawn so."""
    page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
    page.emulate_media(color_scheme=colours)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def assert_every_focus_is_in_sight(page: Page) -> None:
    """Every control is in the window when it has the focus, and nothing covers it."""
    count, hidden = page.evaluate(EVERY_STOP)
    assert count > 0, f"{page.url}: the keyboard reaches nothing"
    assert not hidden, f"{page.url} ({page.viewport_size}): " + "\n".join(hidden)


def assert_focus_stays_in_sight(page: Page, key: str = "Tab") -> None:
    """Wherever the key leads, from the start of the page to its end, what has the focus is in sight."""
    page.evaluate(BEGIN)
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
