"""What our pages tell a user to run: every command, every piece of Python, every file."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]

CARDS = "src/goodsam_pl/pretrained"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "configs/README.md", "docs/**/*.md", f"{CARDS}/*.md")
    for path in ROOT.glob(pattern)
)
CONFIGS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("configs/**/*.yaml"))

LANGUAGES = {"sh", "python", "yaml", "text"}
"""Those that blocks of our pages may be fenced as; text is the only one that is not tried."""

PROGRAMS = ("goodsam", "lightning", "python", "make", "pip", "git", "hf", "source")
"""First words of what is a command where it stands in a sentence, with an argument behind."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_FILE = re.compile(r"# ([\w./-]+\.\w+)\n")


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        page: where it stands, from the root of the repository.
        line: of the page.
        kind: a command; Python to run; or a file to write.
        text: the command on one line, or the whole block.
        file: the name in the first line of a block, which is then a file to write.
    """

    page: str
    line: int
    kind: Literal["command", "python", "file"]
    text: str
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text if self.kind == 'command' else self.kind}"


def steps_of(page: str) -> list[Step]:
    """Everything that a page, or the comments of a configuration, tells to run, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = _of_comments(page, text) if page.endswith(".yaml") else _of_markdown(page, text)
    return sorted(found, key=lambda step: step.line)


def code_languages(page: str) -> list[str]:
    """The word behind each opening fence of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [match[2] for match in _FENCE.finditer(text)]


def fragments(page: str) -> list[str]:
    """YAML of a page that is no file of its own."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [textwrap.dedent(each[3]) for each in _FENCE.finditer(text) if each[2] == "yaml"]
    return [block for block in blocks if not _FILE.match(block)]


def indented_commands(page: str) -> list[str]:
    """Lines that look like commands, but are in no fence, where nothing would find them."""
    text = _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return [line for line in text.splitlines() if line.startswith("    ") and _runs(line.strip())]


def _of_markdown(page: str, text: str) -> Iterator[Step]:
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        content = textwrap.dedent(match[3])
        named = _FILE.match(content)
        if named:
            yield Step(page, line, "file", content, named[1])
        elif match[2] == "sh":
            for offset, command in commands_in(content):
                yield Step(page, line + offset, "command", command)
        elif match[2] == "python":
            yield Step(page, line, "python", content)
    prose = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _INLINE.finditer(prose):
        if _runs(command := " ".join(match[1].split())):
            yield Step(page, prose.count("\n", 0, match.start()) + 1, "command", command)


def _of_comments(page: str, text: str) -> Iterator[Step]:
    """Indented lines of the comment that a configuration begins with."""
    head = re.match(r"(#.*\n)*", text)
    lines = [line.removeprefix("#") for line in (head[0] if head else "").splitlines()]
    block = "\n".join(line if line.startswith("   ") else "" for line in lines)
    for offset, command in commands_in(textwrap.dedent(block)):
        if not command.startswith("--"):  # an option to add to some command
            yield Step(page, 1 + offset, "command", command)


def commands_in(block: str) -> Iterator[tuple[int, str]]:
    """Commands of a shell block with the line each begins in, continued lines and loops joined."""
    pending, begun, loop = "", 0, False
    for number, line in enumerate(block.splitlines()):
        if not pending:
            begun = number
        words = " ".join(_words(line.removesuffix("\\")))
        loop = (loop or words.startswith("for ")) and words != "done"
        pending = f"{pending} {words}".strip()
        if pending and not line.endswith("\\") and not loop:
            yield begun, pending
            pending = ""


def _words(line: str) -> list[str]:
    """The words of a line without its comment, quoted as they are."""
    return shlex.split(line, comments=True, posix=False)


def _runs(text: str) -> bool:
    first, _, rest = text.partition(" ")
    return text.startswith("for ") or (bool(rest.strip()) and first.rpartition("/")[2] in PROGRAMS)
