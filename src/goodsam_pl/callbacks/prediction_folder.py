"""A folder of predictions: whose they are, which are there, and what became of each image.

``summary.json`` says it. While a run writes, each process notes every image that is done in a
journal beside it; whoever comes next finds there what a run that was killed had finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import goodsam_pl
from goodsam_pl.callbacks.prediction_identity import differences
from goodsam_pl.callbacks.prediction_outcome import Outcome, read_outcome
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.listing import RESULTS_MARKER
from goodsam_pl.files import fingerprint_of, read_regular
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.claims import claim

__all__ = ["PredictionFolder"]

_MARKER = b"Results of goodsam_pl lie here: no image in this folder is taken for a panorama.\n"


class PredictionFolder:
    """Writes the summary of a folder of predictions, from one process or several.

    :meth:`begin` and :meth:`finish` are for the first process alone, :meth:`note` for each.

    Args:
        root: the folder.
        rank: number of this process.
    """

    def __init__(self, root: Path, rank: int = 0) -> None:
        self.root = root
        self.rank = rank
        self._held = ExitStack()
        self._about: dict[str, Any] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._awaited: set[str] = set()

    def begin(
        self,
        identity: Mapping[str, Any],
        entries: Sequence[Entry],
        kinds: Sequence[str],
        *,
        skip_existing: bool,
        overwrite: bool,
    ) -> list[int]:
        """Take the folder over for predictions of a model.

        Args:
            identity: everything that decides about predictions besides the images, as plain values.
            entries: the images that were listed.
            kinds: the predictions that are wanted of each.
            skip_existing: leave out images whose predictions are there.
            overwrite: replace predictions of others.

        Returns:
            The places of the images that are to be predicted.

        Raises:
            ValueError: the folder holds predictions of another model or other settings, or of other
                images with the same names; or another process writes there.
        """
        identity = json.loads(json.dumps(identity))
        self._take()
        try:
            before = self._read_summary()
            found = {} if before is None else self._found(before)
            if not overwrite:
                self._refuse_others(before, identity, entries, found)
        except BaseException:
            self.release()
            raise
        if before is not None and before["identity"] != identity:
            self._remove(found)
            found = {}
        todo = [
            place
            for place, entry in enumerate(entries)
            if not (skip_existing and self._is_there(found.get(entry.name), entry.image, kinds))
        ]
        self._awaited = {entries[place].name for place in todo}
        self._outcomes = {
            name: outcome for name, outcome in found.items() if name not in self._awaited
        }
        self._about = {
            "program": f"goodsam_pl {goodsam_pl.__version__}",
            "fingerprint": fingerprint_of(identity),
            "identity": identity,
        }
        for folder in (self.root, *(self.root / kind for kind in kinds)):
            write_atomically(folder / RESULTS_MARKER, _MARKER)
        self._write({})
        for journal in self._journals():
            journal.unlink()
        return todo

    def note(self, outcome: Outcome) -> None:
        """Remember an image that is done, its files being in their places."""
        line = json.dumps(asdict(outcome)) + "\n"
        with self._journal.open("a", encoding="ascii") as journal:
            journal.write(line)

    def finish(self, further: Mapping[str, Any]) -> dict[str, Outcome]:
        """Write the summary of all processes.

        Args:
            further: what else is worth knowing, as plain values.

        Returns:
            The outcomes of the images that were to be predicted now.
        """
        self._outcomes |= self._read_journals()
        self._write(further)
        return {name: outcome for name, outcome in self._outcomes.items() if name in self._awaited}

    def clear_journals(self) -> None:
        """Remove them, once the summary has what they say and all processes are done."""
        for journal in self._journals():
            journal.unlink(missing_ok=True)

    def release(self) -> None:
        """Let others write there."""
        self._held.close()

    @property
    def _journal(self) -> Path:
        return self.root / f"journal.{self.rank}.jsonl"

    def _journals(self) -> list[Path]:
        return sorted(self.root.glob("journal.*.jsonl"))

    def _take(self) -> None:
        if self._held.enter_context(claim(self.root / "writing")) is None:
            raise ValueError(
                f"another process writes predictions to {self.root}: wait for it, or name another "
                "folder (--out)"
            )

    def _read_summary(self) -> dict[str, Any] | None:
        path = self.root / "summary.json"
        if not path.is_file():
            return None
        try:
            content = json.loads(read_regular(path))
            if isinstance(content["identity"], dict) and isinstance(content["images"], list):
                for image in content["images"]:
                    read_outcome(image)
                return dict(content)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
        raise ValueError(
            f"{path} is no summary of predictions: name another folder (--out), or remove it"
        )

    def _found(self, before: Mapping[str, Any]) -> dict[str, Outcome]:
        listed = [read_outcome(each) for each in before["images"]]
        return {each.name: each for each in listed} | self._read_journals()

    def _read_journals(self) -> dict[str, Outcome]:
        outcomes = {}
        for journal in self._journals():
            for line in read_regular(journal).decode("ascii", "replace").splitlines():
                try:
                    outcome = read_outcome(json.loads(line))
                except (ValueError, TypeError, KeyError, RecursionError):
                    # cut off when its process was killed
                    continue
                outcomes[outcome.name] = outcome
        return outcomes

    def _refuse_others(
        self,
        before: Mapping[str, Any] | None,
        identity: Mapping[str, Any],
        entries: Sequence[Entry],
        found: Mapping[str, Outcome],
    ) -> None:
        ways_out = "name another folder with --out, or replace them with --overwrite"
        if before is None:
            if any((self.root / "labels").rglob("*.png")):
                raise ValueError(
                    f"{self.root} holds labels, and no summary.json that says whose: {ways_out}"
                )
            return
        if before["identity"] != identity and found:
            told = "; ".join(differences(before["identity"], identity))
            raise ValueError(
                f"{self.root} holds predictions of another model or other settings "
                f"({told}): {ways_out}"
            )
        for entry in entries:
            other = found.get(entry.name)
            if other and other.image != str(entry.image.resolve()) and not other.is_of(entry.image):
                raise ValueError(
                    f"{self.root} holds predictions of {other.image}, and {entry.image} has the "
                    f"same name {entry.name!r}: {ways_out}"
                )

    def _remove(self, found: Mapping[str, Outcome]) -> None:
        """Remove predictions that are known, wherever in the folder they are."""
        for outcome in found.values():
            for file in outcome.files.values():
                path = self.root / file
                if path.resolve().is_relative_to(self.root.resolve()):
                    path.unlink(missing_ok=True)

    def _is_there(self, outcome: Outcome | None, image: Path, kinds: Sequence[str]) -> bool:
        if outcome is None or outcome.reason is not None or not outcome.is_of(image):
            return False
        files = [outcome.files.get(kind) for kind in kinds]
        return all(file is not None and (self.root / file).is_file() for file in files)

    def _write(self, further: Mapping[str, Any]) -> None:
        images = [self._outcomes[name] for name in sorted(self._outcomes)]
        failed = sum(outcome.reason is not None for outcome in images)
        content = {
            **self._about,
            "complete": self._awaited <= self._outcomes.keys(),
            "labelled": len(images) - failed,
            "failed": failed,
            **further,
            "images": [asdict(outcome) for outcome in images],
        }
        write_atomically(self.root / "summary.json", json.dumps(content, indent=1).encode())
