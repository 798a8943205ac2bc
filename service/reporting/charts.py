"""The charts of a report as SVG: read without colour, and by a screen reader. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

WIDTH = 720
INK, BLUE, LIGHT, GRID = "#0b0c0c", "#1d70b8", "#d2e2f1", "#b1b4b6"
FONT = 'font-family="Libertinus Serif, Arial, sans-serif" font-size="15"'
ROW, LABEL, RIGHT = 46, 230, 120


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its value, where the plan stands (None where there is none), and the words at its end."""

    label: str
    value: float | None
    mark: float | None
    words: str


def bar_chart(name: str, title: str, words: str, bars: Sequence[Bar], most: float) -> str:
    """Return horizontal bars; a diamond on a line shows where the plan stands."""
    height = ROW * max(len(bars), 1) + 16
    room = WIDTH - LABEL - RIGHT
    parts: list[str] = []
    for number, bar in enumerate(bars):
        top = 8 + number * ROW
        middle = top + ROW // 2
        parts += [_text(LABEL - 10, middle + 5 + 9 * place, each, "end") for place, each in _lines(bar.label)]
        parts.append(f'<rect x="{LABEL}" y="{top + 8}" width="{room}" height="{ROW - 16}" fill="{LIGHT}"/>')
        if bar.value:
            width = _n(room * bar.value / most)
            parts.append(f'<rect x="{LABEL}" y="{top + 8}" width="{width}" height="{ROW - 16}" fill="{BLUE}"/>')
        if bar.mark is not None:
            parts.append(_diamond(LABEL + room * bar.mark / most, middle, top + 4, top + ROW - 4))
        parts.append(_text(LABEL + room + 10, middle + 5, bar.words, "start"))
    return _svg(name, title, words, height, parts)


def _lines(label: str) -> list[tuple[int, str]]:
    """Return a label in one line or two, with how far each stands from the middle."""
    if len(label) <= 30:  # noqa: PLR2004 So many letters fit.
        return [(0, label)]
    cut = label.rfind(" ", 0, 31)
    first, rest = (label[:cut], label[cut + 1 :]) if cut > 0 else (label[:30], label[30:])
    return [(-1, first), (1, rest if len(rest) <= 31 else f"{rest[:29]}…")]  # noqa: PLR2004 As above.


def _diamond(x: float, y: float, top: float, bottom: float) -> str:
    line = f'<line x1="{_n(x)}" y1="{_n(top)}" x2="{_n(x)}" y2="{_n(bottom)}" stroke="{INK}" stroke-width="2"/>'
    corners = " ".join(f"{_n(x + dx)},{_n(y + dy)}" for dx, dy in ((0, -6), (6, 0), (0, 6), (-6, 0)))
    return f'{line}<polygon points="{corners}" fill="{INK}" stroke="#ffffff"/>'


@dataclass(frozen=True)
class Point:
    """One date of a trend, with what was complete and what was planned, in percent; None where there is nothing."""

    label: str
    value: float | None
    plan: float | None


def line_chart(name: str, title: str, words: str, points: Sequence[Point]) -> str:
    """Return what was complete as a line with circles, and what was planned as a broken one with squares."""
    left, top, bottom, right = 60, 16, 250, WIDTH - 110
    step = (right - left) / max(len(points) - 1, 1)

    def height(value: float) -> float:
        return bottom - (bottom - top) * value / 100

    parts: list[str] = []
    for percent in (0, 25, 50, 75, 100):
        y = _n(height(percent))
        parts.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="{GRID}"/>')
        parts.append(_text(left - 8, height(percent) + 5, f"{percent}%", "end"))
    for number, point in enumerate(points):
        parts.append(_text(left + number * step, bottom + 24, point.label, "middle"))
    plan = [(left + n * step, height(each.plan)) for n, each in enumerate(points) if each.plan is not None]
    done = [(left + n * step, height(each.value)) for n, each in enumerate(points) if each.value is not None]
    parts += _line(plan, 'stroke-dasharray="6 5"')
    parts += [f'<rect x="{_n(x - 4)}" y="{_n(y - 4)}" width="8" height="8" fill="{INK}"/>' for x, y in plan]
    parts += _line(done, 'stroke-width="3"', BLUE)
    parts += [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="5" fill="{BLUE}"/>' for x, y in done]
    near = bool(plan and done) and abs(plan[-1][1] - done[-1][1]) < 18  # noqa: PLR2004 Closer ones would overlap.
    lift = 12 if near else 0
    if plan:
        is_above = not done or plan[-1][1] <= done[-1][1]
        parts.append(_text(right + 10, plan[-1][1] + 5 + (-lift if is_above else lift), "Planned", "start"))
    if done:
        is_above = bool(plan) and done[-1][1] < plan[-1][1]
        parts.append(_text(right + 10, done[-1][1] + 5 + (-lift if is_above else lift), "Complete", "start"))
    return _svg(name, title, words, bottom + 40, parts)


def _line(points: Sequence[tuple[float, float]], style: str, colour: str = INK) -> list[str]:
    if not points:
        return []
    corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return [f'<polyline points="{corners}" fill="none" stroke="{colour}" {style}/>']


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" fill="{INK}" {FONT}>{escape(words)}</text>'


def _n(value: float) -> str:
    """Return a length to a tenth, written the same everywhere."""
    return f"{value:.1f}"


def _svg(name: str, title: str, words: str, height: int, parts: Sequence[str]) -> str:
    label = quoteattr(f"{name}-title {name}-words")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby={label}><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-words">{escape(words)}</desc><rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f"{''.join(parts)}</svg>"
    )
