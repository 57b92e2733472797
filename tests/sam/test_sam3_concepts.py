"""SAM 3 against transformers' own processing, phrase by phrase."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.masks.concepts import Concept, ConceptProposer, ConceptWindows
from goodsam_pl.sam import Sam3Concepts, TransformersSAM

if importlib.util.find_spec("transformers") is None:
    pytest.skip("transformers is not installed", allow_module_level=True)
import transformers

sys.path.insert(0, str(Path(__file__).parent))
from tiny_concepts import write_sam3, write_sam3_video
from tiny_transformers import SIDE, noise_windows

CONCEPTS = (
    Concept("car", ("car",)),
    Concept("person", ("person", "a rider")),
    Concept("sign", ("traffic sign",)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_sam3(tmp_path_factory.mktemp("sam3")))


def windows(count: int, shape: tuple[int, int]) -> ConceptWindows:
    corners = torch.zeros(count, 2, dtype=torch.long)
    return ConceptWindows("noise", noise_windows(count, shape), corners, shape)


@pytest.mark.parametrize("shape", [(48, 100), (90, 60)])
def test_it_finds_what_transformers_own_processing_finds(folder, shape) -> None:
    proposer = Sam3Concepts(folder, score_threshold=0.05, repeat_threshold=1.0)
    given = windows(1, shape)
    (found,) = proposer.propose(given, CONCEPTS)
    processor = transformers.AutoProcessor.from_pretrained(folder)
    window = Image.fromarray(given.pixels[0].permute(1, 2, 0).numpy())
    picture = np.array(window.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    place = 0
    for number, concept in enumerate(CONCEPTS):
        presences, evidences = [], []
        for phrase in concept.phrases:
            inputs = processor(images=picture, text=phrase, return_tensors="pt")
            del inputs["original_sizes"]
            with torch.no_grad():
                outputs = proposer._model.network(**inputs)
            told = processor.post_process_instance_segmentation(
                outputs, threshold=0.05, target_sizes=[shape]
            )[0]
            there = told["masks"].flatten(1).any(dim=1)
            own = slice(place, place + int(there.sum()))
            place = own.stop
            assert (found.classes[own] == number).all()
            close = {"rtol": 1e-3, "atol": 1e-3}
            torch.testing.assert_close(found.scores[own], told["scores"][there], **close)
            torch.testing.assert_close(found.boxes[own], told["boxes"][there], **close)
            # logits are resized here and probabilities there
            wrong = found.binary()[own] != told["masks"][there].bool()
            assert float(wrong.float().mean()) < 0.03
            presences.append(outputs.presence_logits.sigmoid()[0, 0])
            evidences.append(outputs.semantic_seg.sigmoid()[0, 0])
        assert found.presence is not None
        assert found.evidence is not None
        assert float(found.presence[number]) == pytest.approx(float(max(presences)), abs=1e-3)
        expected = torch.stack(evidences).amax(dim=0)
        torch.testing.assert_close(found.evidence[number].float(), expected, rtol=0, atol=2e-3)
    assert place == len(found) > 8


def test_windows_are_resized_and_normalised_as_transformers_does_it(folder) -> None:
    window = noise_windows(1, (90, 60))
    images = transformers.AutoProcessor.from_pretrained(folder).image_processor
    expected = images(images=window[0], return_tensors="pt")["pixel_values"]
    proposer = Sam3Concepts(folder)
    seen = []
    proposer._model.network.vision_encoder.register_forward_pre_hook(
        lambda module, given, named: seen.append((*given, *named.values())[0]),
        with_kwargs=True,
    )
    proposer._encode(window)
    # rounded to 8 bits by Pillow here and by torchvision there
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=1.5 / 255 / 0.5)


def test_with_19_classes_a_window_is_encoded_once(folder) -> None:
    names = [f"{first} {second}" for first in ("red", "blue", "old", "new") for second in "abcde"]
    concepts = tuple(Concept(name, (name,)) for name in names[:19])
    proposer = Sam3Concepts(folder, score_threshold=0.05)
    counted = {"vision_encoder": 0, "text_encoder": 0, "detr_decoder": 0}

    def count(name: str):
        def hook(*_: object) -> None:
            counted[name] += 1

        return hook

    for name in counted:
        getattr(proposer._model.network, name).register_forward_hook(count(name))
    given = windows(3, (48, 64))
    found = proposer.propose(given, concepts)
    assert counted == {"vision_encoder": 3, "text_encoder": 1, "detr_decoder": 3}
    proposer.propose(given, concepts)
    assert counted == {"vision_encoder": 6, "text_encoder": 1, "detr_decoder": 6}
    assert all(each.presence is not None and len(each.presence) == 19 for each in found)


def test_batches_do_not_change_the_masks(folder) -> None:
    given = windows(3, (48, 64))
    plain = Sam3Concepts(folder, score_threshold=0.05).propose(given, CONCEPTS)
    other = Sam3Concepts(folder, score_threshold=0.05, phrases_per_batch=3, windows_per_batch=2)
    for one, two in zip(plain, other.propose(given, CONCEPTS), strict=True):
        assert one.classes.tolist() == two.classes.tolist()
        torch.testing.assert_close(one.scores, two.scores, rtol=1e-3, atol=1e-4)
        assert int((one.binary() != two.binary()).sum()) <= 2 * len(one)
        torch.testing.assert_close(one.presence, two.presence, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(one.evidence, two.evidence, rtol=1e-2, atol=1e-3)


def test_classes_may_come_in_any_order(folder) -> None:
    given = windows(1, (48, 64))
    proposer = Sam3Concepts(folder, score_threshold=0.05)
    (found,) = proposer.propose(given, CONCEPTS)
    (turned,) = proposer.propose(given, CONCEPTS[::-1])
    assert sorted(found.classes.tolist()) == sorted((2 - turned.classes).tolist())
    torch.testing.assert_close(found.presence, turned.presence.flip(0), rtol=1e-3, atol=1e-4)


def test_thresholds_are_kept(folder) -> None:
    given = windows(2, (48, 64))
    every = Sam3Concepts(folder, score_threshold=0.05, repeat_threshold=1.0)
    scores = torch.cat([found.scores for found in every.propose(given, CONCEPTS)])
    limit = float(scores.median())
    fewer = Sam3Concepts(folder, score_threshold=limit, repeat_threshold=1.0)
    kept = torch.cat([found.scores for found in fewer.propose(given, CONCEPTS)])
    assert torch.equal(kept, scores[scores > limit])
    once = Sam3Concepts(folder, score_threshold=0.05, repeat_threshold=0.1)
    assert 0 < sum(len(found) for found in once.propose(given, CONCEPTS)) <= len(scores)
    assert [
        len(found) for found in Sam3Concepts(folder, score_threshold=1.0).propose(given, CONCEPTS)
    ] == [0, 0]


def test_a_phrase_that_is_too_long_is_named(folder) -> None:
    proposer = Sam3Concepts(folder)
    long = Concept("long", ("car", "x" * 31))
    with pytest.raises(ValueError, match=r"'x{31}' has 31 tokens, .* takes 30: shorten it"):
        proposer.propose(windows(1, (48, 64)), (long,))
    proposer.propose(windows(1, (48, 64)), (Concept("fits", ("x" * 30,)),))


def test_both_halves_of_the_published_checkpoint_are_loaded(tmp_path: Path) -> None:
    folder, weights = write_sam3_video(tmp_path)
    shared = {"vision_encoder.backbone": "detector_model.vision_encoder.backbone"}
    own = {"vision_encoder.neck": "tracker_neck"}
    for proposer, prefix, moved in (
        (Sam3Concepts(str(folder)), "detector_model.", {}),
        (TransformersSAM(str(folder)), "tracker_model.", shared | own),
    ):
        for name, tensor in proposer._model.network.state_dict().items():
            published = f"{prefix}{name}"
            for before, after in moved.items():
                if name.startswith(before):
                    published = name.replace(before, after)
            assert torch.equal(tensor, weights[published]), name
    given = windows(1, (48, 64))
    (found,) = Sam3Concepts(str(folder), score_threshold=0.0).propose(given, CONCEPTS)
    assert len(found) > 8
    every = {"predicted_iou_threshold": -1e6, "stability_threshold": 0.0, "points_per_side": 2}
    assert len(TransformersSAM(str(folder), **every).propose(given.pixels)[0]) > 0


def test_in_16_bits_scores_differ_a_little(folder) -> None:
    given = windows(1, (48, 64))
    plain = Sam3Concepts(folder, score_threshold=0.0, repeat_threshold=1.0)
    half = Sam3Concepts(folder, score_threshold=0.0, repeat_threshold=1.0, precision="bf16-mixed")
    exact, close = (each.propose(given, CONCEPTS)[0] for each in (plain, half))
    torch.testing.assert_close(exact.presence, close.presence, rtol=0.1, atol=0.05)
    assert not torch.equal(exact.presence, close.presence)


def test_the_fingerprint_is_of_weights_words_and_parameters(folder, tmp_path: Path) -> None:
    plain = Sam3Concepts(folder)
    assert isinstance(plain, ConceptProposer)
    copied = shutil.copytree(folder, tmp_path / "copied")
    assert Sam3Concepts(str(copied), windows_per_batch=2).describe() == plain.describe()
    assert "network" not in plain._model.__dict__
    words = shutil.copytree(folder, tmp_path / "words") / "tokenizer.json"
    words.write_text(words.read_text() + " ")
    images = shutil.copytree(folder, tmp_path / "images") / "preprocessor_config.json"
    images.write_text('{"image_mean": [0.1, 0.1, 0.1]}')
    others = [
        Sam3Concepts(str(words.parent)),
        Sam3Concepts(str(images.parent)),
        Sam3Concepts(folder, score_threshold=0.3),
        Sam3Concepts(folder, repeat_threshold=0.3),
        Sam3Concepts(folder, precision="16-mixed"),
    ]
    told = [str(sorted(one.describe().items())) for one in (plain, *others)]
    assert len(set(told)) == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="16 bits pay on a GPU: none is here")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_it_runs_on_a_gpu(folder, precision) -> None:
    given = windows(2, (48, 64))
    plain = Sam3Concepts(folder, score_threshold=0.05)
    there = Sam3Concepts(folder, score_threshold=0.05, precision=precision)
    there.to("cuda")
    for one, other in zip(
        plain.propose(given, CONCEPTS), there.propose(given, CONCEPTS), strict=True
    ):
        torch.testing.assert_close(one.presence, other.presence, rtol=0.1, atol=0.05)
        assert other.layers.device.type == "cpu"
