"""`tracker …` as it is called, in this process: starting another takes longer than most commands."""

import gc
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from service.main import run_command

TRACE = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    def is_refusal_in_words(self) -> bool:
        """Tell whether it refused, and said why to a person: on the stream for that, and without a trace."""
        return self.code in (1, 2) and bool(self.err.strip()) and not self.out and TRACE not in self.err


def run_tracker(*arguments: str, **settings: object) -> Said:
    """Run a command; `database_url="…"` is the setting TRACKER_DATABASE_URL."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        # Nobody is there to answer what it asks.
        patch.setattr(sys, "stdin", io.StringIO())
        patch.setattr(sys, "argv", ["tracker", *arguments])
        for name, value in settings.items():
            patch.setenv(f"TRACKER_{name.upper()}", str(value))
        with pytest.raises(SystemExit) as ended:
            run_command()
    # A command that loads much looks for no garbage any more, for its process ends with it.
    gc.enable()
    return Said(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def must(said: Said) -> str:
    """Return what a command printed that had to end well."""
    assert (said.code, said.err) == (0, ""), said
    return said.out
