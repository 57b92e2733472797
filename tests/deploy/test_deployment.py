"""From a student that is circular to bytes that are, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import goodsam_pl
from goodsam_pl.deploy import Deployment, OnnxRunner


@pytest.mark.slow
def test_an_exported_circle_has_no_seam(circle: Path) -> None:
    content, found = Deployment(str(circle), "logits").onnx()
    assert found.difference is not None
    assert found.difference < 1e-4
    assert found.equal == 1.0
    assert found.sizes == ((64, 256), (75, 160), (32, 128))
    run = OnnxRunner(content, threads=1)
    image = np.random.default_rng(0).integers(0, 256, (1, 3, 70, 256), dtype=np.uint8)
    rolled = run(np.roll(image, 96, axis=-1))
    np.testing.assert_allclose(rolled, np.roll(run(image), 96, axis=-1), rtol=0, atol=1e-4)
    expected = goodsam_pl.load(circle).label_pixels(image[0].transpose(1, 2, 0))
    assert (run(image)[0].argmax(axis=0) == expected).mean() > 0.999
    with pytest.raises(Exception, match=r"(?i)shape|broadcast|dimension"):
        run(image[..., :250])  # no circle of whole strides
