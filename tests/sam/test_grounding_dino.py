"""Boxes and scores are those of transformers' own processing; names follow the best token."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from goodsam_pl.sam import GroundingDino
from goodsam_pl.sam.grounding_dino import detector_size

if importlib.util.find_spec("transformers") is None:
    pytest.skip("transformers is not installed", allow_module_level=True)
import transformers

sys.path.insert(0, str(Path(__file__).parent))
from tiny_concepts import write_grounding_dino
from tiny_transformers import noise_windows

PHRASES = ("car", "traffic sign", "person", "pole")
SIZES = {"shorter_side": 128, "longer_side": 192}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_grounding_dino(tmp_path_factory.mktemp("dino")))


@pytest.mark.parametrize("shape", [(128, 160), (192, 128)])  # as large as the detector wants
def test_it_finds_what_transformers_own_processing_finds(folder, shape) -> None:
    windows = noise_windows(2, shape)
    detector = GroundingDino(folder, box_threshold=0.9, **SIZES)
    found = detector.detect(windows, PHRASES)
    processor = transformers.AutoProcessor.from_pretrained(folder)
    text = ". ".join(PHRASES) + "."
    pictures = [window.permute(1, 2, 0).numpy() for window in windows]
    inputs = processor(images=pictures, text=[text] * 2, return_tensors="pt")
    with torch.no_grad():
        outputs = detector._model.network(**inputs)
    told = processor.post_process_grounded_object_detection(
        outputs, inputs["input_ids"], threshold=0.9, target_sizes=[shape, shape]
    )
    tokens = processor.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
    for window, own in enumerate(found):
        scores, best = outputs.logits[window].sigmoid().max(dim=1)
        names = [name_around(tokens, int(place)) for place in best[scores > 0.9]]
        known = [name in PHRASES for name in names]
        expected = [PHRASES.index(name) for name in names if name in PHRASES]
        assert own.phrases.tolist() == expected
        close = {"rtol": 1e-3, "atol": 1e-3}
        torch.testing.assert_close(own.scores, told[window]["scores"][known], **close)
        torch.testing.assert_close(own.boxes, told[window]["boxes"][known], **close)
    assert len(torch.cat([own.phrases for own in found]).unique()) > 1
    assert sum(len(own.phrases) for own in found) > 9


@pytest.mark.parametrize("shape", [(48, 100), (300, 200)])
def test_windows_are_resized_and_normalised_as_transformers_does_it(folder, shape) -> None:
    (window,) = noise_windows(1, shape)
    processor = transformers.AutoProcessor.from_pretrained(folder).image_processor
    expected = processor(images=window, return_tensors="pt", do_pad=False)["pixel_values"]
    own = GroundingDino(folder, **SIZES)._normalised(window[None])
    # rounded to 8 bits by Pillow here and by torchvision there
    torch.testing.assert_close(own, expected, rtol=0, atol=1.5 / 255 / 0.224)


def name_around(tokens: list[str], place: int) -> str:
    """The paper's rule, word by word: from the best token to the nearest separators."""
    stops = {"[CLS]", "[SEP]", "[PAD]", ".", "?"}
    if tokens[place] in stops:
        return ""
    first = last = place
    while tokens[first - 1] not in stops:
        first -= 1
    while tokens[last + 1] not in stops:
        last += 1
    return " ".join(tokens[first : last + 1])


def test_several_captions_are_asked_one_after_the_other(folder) -> None:
    windows = noise_windows(1, (128, 128))
    many = ("car", "a rider on a bike", "traffic sign", "person on a bike", "traffic light", "pole")
    detector = GroundingDino(folder, box_threshold=0.0, **SIZES)
    found = detector.detect(windows, many)[0]
    parts = [detector.detect(windows, some)[0] for some in (many[:4], many[4:])]
    assert len(found.scores) == sum(len(part.scores) for part in parts)
    assert torch.equal(found.boxes, torch.cat([part.boxes for part in parts]))
    assert torch.equal(found.phrases, torch.cat([parts[0].phrases, parts[1].phrases + 4]))


def test_batches_change_nothing_and_nothing_found_is_no_error(folder) -> None:
    windows = noise_windows(3, (128, 128))
    together = GroundingDino(folder, box_threshold=0.9, windows_per_batch=3, **SIZES)
    alone = GroundingDino(folder, box_threshold=0.9, **SIZES)
    for one, other in zip(
        together.detect(windows, PHRASES), alone.detect(windows, PHRASES), strict=True
    ):
        torch.testing.assert_close(one.boxes, other.boxes, rtol=1e-3, atol=1e-3)
        assert torch.equal(one.phrases, other.phrases)
    blind = GroundingDino(folder, box_threshold=1.0, **SIZES).detect(windows, PHRASES)
    assert [found.boxes.shape for found in blind] == [(0, 4)] * 3


def test_sizes_are_those_of_transformers() -> None:
    processor = transformers.GroundingDinoImageProcessor(
        size={"shortest_edge": 800, "longest_edge": 1333}
    )
    for shape in ((400, 2048), (512, 512), (1024, 700), (333, 999)):
        image = torch.zeros(3, *shape, dtype=torch.uint8)
        resized = processor(images=image, return_tensors="pt", do_pad=False)["pixel_values"]
        assert detector_size(shape, 800, 1333) == tuple(resized.shape[2:])


def test_a_folder_without_words_is_named(folder, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((Path(folder) / name).read_bytes())
    with pytest.raises(FileNotFoundError, match=r"has no tokenizer\.json"):
        GroundingDino(str(tmp_path)).detect(noise_windows(1, (128, 128)), PHRASES)


def test_a_damaged_tokenizer_is_named(folder, tmp_path: Path) -> None:
    for path in Path(folder).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match=r"the tokenizer in .* cannot be loaded"):
        GroundingDino(str(tmp_path)).detect(noise_windows(1, (128, 128)), PHRASES)
    (tmp_path / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "own.Own"}}')
    with pytest.raises(ValueError, match=r"tokenizer_config\.json names code"):
        GroundingDino(str(tmp_path)).detect(noise_windows(1, (128, 128)), PHRASES)


def test_another_model_is_refused_and_all_parameters_are_described(folder, tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "sam"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"'sam': choose .*'grounding-dino'"):
        GroundingDino(str(tmp_path)).describe()
    plain = GroundingDino(folder)
    others = [
        GroundingDino(folder, box_threshold=0.2),
        GroundingDino(folder, shorter_side=600),
        GroundingDino(folder, longer_side=1000),
        GroundingDino(folder, precision="bf16-mixed"),
    ]
    assert all(other.describe() != plain.describe() for other in others)
    assert GroundingDino(folder, windows_per_batch=4).describe() == plain.describe()
