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

from goodsam_pl.sam import weights
from goodsam_pl.sam.weights import OFFICIAL, OfficialWeights, download_weights, weights_path

CONTENT = bytes(range(256)) * 20


class Server(HTTPServer):
    """Serves :data:`CONTENT` and remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.breaks_after: int | None = None
        self.content = CONTENT

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/sam_vit_b_test.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
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
    monkeypatch.setitem(weights.OFFICIAL, "vit_b", published)
    monkeypatch.setenv("GOODSAM_CACHE", str(tmp_path / "cache"))
    yield server
    server.shutdown()
    server.server_close()


def part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def test_the_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    path = download_weights("vit_b")
    assert path == tmp_path / "cache" / "sam_vit_b_test.pth"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
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


def test_another_content_is_refused_and_deleted(server: Server) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(ValueError, match=r"SHA-256 .* published is"):
        download_weights("vit_b")
    assert list(weights_path("vit_b").parent.iterdir()) == []


def test_no_server_is_one_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = OFFICIAL["vit_b"]._replace(url="http://127.0.0.1:9/sam_vit_b_test.pth")
    monkeypatch.setitem(weights.OFFICIAL, "vit_b", nobody)
    with pytest.raises(ConnectionError, match=r"cannot download http://127\.0\.0\.1:9"):
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
