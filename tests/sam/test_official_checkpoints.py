"""Downloads against a server on this machine: checked, resumed, never half."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from goodsam_pl.cli import main
from goodsam_pl.files import KnownFiles, content_key
from goodsam_pl.sam import SegmentAnything, official_checkpoints
from goodsam_pl.sam.official_checkpoints import (
    OFFICIAL,
    OfficialWeights,
    download_weights,
    weights_path,
)

CONTENT = bytes(range(256)) * 20


class Server(HTTPServer):
    """Serves :data:`CONTENT` and remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.breaks_after: int | None = None
        self.answers: int | None = None
        self.content = CONTENT

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/sam_vit_b_test.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.server.answers is not None:
            self.send_error(self.server.answers)
            return
        start = 0
        if asked and self.server.knows_ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.server.content) - start))
        self.end_headers()
        self.wfile.write(self.server.content[start : self.server.breaks_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    published = OfficialWeights(server.url, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    monkeypatch.setitem(official_checkpoints.OFFICIAL, "vit_b", published)
    monkeypatch.setenv("GOODSAM_CACHE", str(tmp_path / "cache"))
    yield server
    server.shutdown()
    server.server_close()


def part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def beside(path: Path) -> list[Path]:
    """What else lies there, but for the note of what was checked."""
    return [each for each in path.parent.iterdir() if each != path and each.suffix != ".tsv"]


def test_the_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    path = download_weights("vit_b")
    assert path == tmp_path / "cache" / "sam_vit_b_test.pth"
    assert path.read_bytes() == CONTENT
    assert beside(path) == []
    assert download_weights("vit_b") == path
    assert server.ranges == [None]
    download_weights("vit_b", force=True)
    assert len(server.ranges) == 2


def test_an_interrupted_download_goes_on_where_it_stopped(server: Server) -> None:
    server.breaks_after = 1000
    with pytest.raises(ConnectionError, match="goodsam weights vit_b"):
        download_weights("vit_b")
    path = weights_path("vit_b")
    assert not path.exists()
    assert part(path).read_bytes() == CONTENT[:1000]
    server.breaks_after = None
    assert download_weights("vit_b").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]
    assert not part(path).exists()


def test_a_server_without_ranges_sends_all_again(server: Server) -> None:
    server.knows_ranges = False
    path = weights_path("vit_b")
    path.parent.mkdir()
    part(path).write_bytes(b"something else")
    assert download_weights("vit_b").read_bytes() == CONTENT


@pytest.mark.parametrize("there", [b"something else", CONTENT[:-1] + b"x", CONTENT * 2])
def test_a_wrong_beginning_is_thrown_away_and_all_is_downloaded(
    server: Server, there: bytes
) -> None:
    path = weights_path("vit_b")
    path.parent.mkdir()
    part(path).write_bytes(there)
    assert download_weights("vit_b").read_bytes() == CONTENT
    assert server.ranges[-1] is None
    assert beside(path) == []


def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(
    server: Server, tmp_path: Path
) -> None:
    path, victim = weights_path("vit_b"), tmp_path / "victim"
    path.parent.mkdir()
    victim.write_bytes(b"precious")
    part(path).symlink_to(victim)
    assert download_weights("vit_b").read_bytes() == CONTENT
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT[::-1] + bytes(1000)])
def test_another_content_is_refused_and_deleted(server: Server, content: bytes) -> None:
    server.content = content
    with pytest.raises(ValueError, match=r"SHA-256 .* published is .* put it at"):
        download_weights("vit_b")
    assert beside(weights_path("vit_b")) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("offline", "Connection refused"),
        ("404", "the server answers 404 Not Found"),
        ("500", "the server answers 500"),
        ("cut", "it broke off after 1000 of 5120 bytes"),
    ],
)
def test_what_hinders_a_download_is_one_line_with_the_way_out(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys, fault: str, told: str
) -> None:
    if fault == "offline":
        nobody = OFFICIAL["vit_b"]._replace(url="http://127.0.0.1:9/sam_vit_b_test.pth")
        monkeypatch.setitem(official_checkpoints.OFFICIAL, "vit_b", nobody)
    elif fault == "cut":
        server.breaks_after = 1000
    else:
        server.answers = int(fault)
    path = weights_path("vit_b")
    with pytest.raises(SystemExit) as end:
        main(["weights", "vit_b"])
    error = capsys.readouterr().err
    assert end.value.code == 2
    assert "Traceback" not in error
    assert f"cannot download {OFFICIAL['vit_b'].url}: " in error
    assert told in error
    assert f"put it at {path}" in error
    assert not path.exists()


def test_two_at_once_download_once(server: Server) -> None:
    threads = [threading.Thread(target=download_weights, args=("vit_b",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    path = weights_path("vit_b")
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None]
    assert beside(path) == []


def test_another_file_of_that_name_is_refused_with_both_hashes(server: Server) -> None:
    path = weights_path("vit_b")
    path.parent.mkdir()
    path.write_bytes(b"another model")
    hashes = hashlib.sha256(b"another model").hexdigest(), OFFICIAL["vit_b"].sha256
    told = rf"{path} is not .*{hashes[0]}.*{hashes[1]}.*goodsam weights vit_b --force true"
    with pytest.raises(ValueError, match=told):
        download_weights("vit_b")
    # a store of masks would claim the published hash
    with pytest.raises(ValueError, match=told):
        SegmentAnything("vit_b").describe()
    windows = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match=told):
        SegmentAnything("vit_b").propose(windows)
    assert server.ranges == []
    assert download_weights("vit_b", force=True).read_bytes() == CONTENT


def test_a_file_that_was_found_right_is_read_again_only_when_it_changes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = download_weights("vit_b")
    KnownFiles.forget()
    monkeypatch.setattr(official_checkpoints, "file_sha256", lambda _: pytest.fail("read again"))
    assert download_weights("vit_b") == path
    path.write_bytes(CONTENT[:-1] + b"x")
    monkeypatch.setattr(official_checkpoints, "file_sha256", content_key)
    with pytest.raises(ValueError, match="is not the published vit_b"):
        download_weights("vit_b")


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ValueError, match=r"'vit_x'.*vit_b.*vit_h.*vit_l"):
        download_weights("vit_x")


def test_checkpoints_lie_where_torch_hub_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOODSAM_CACHE", raising=False)
    expected = Path(torch.hub.get_dir()) / "checkpoints" / "sam_vit_h_4b8939.pth"
    assert weights_path("vit_h") == expected


def test_published_hashes_are_whole_and_different() -> None:
    hashes = {official.sha256 for official in OFFICIAL.values()}
    assert len(hashes) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes)
