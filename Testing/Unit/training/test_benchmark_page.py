from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from NephroSynthLib.training.benchmark_page import montage, write_page
from NephroSynthLib.training.benchmark_tables import Row

ROWS = [
    Row("excretory", "Excretory phase", [{"psnr_db": 15.0, "seconds": 0.1}, {"psnr_db": 14.0, "seconds": 0.1}], {}),
    Row("kinetic", "Kinetic <baseline>", [{"psnr_db": 20.0, "seconds": 0.1}, {"psnr_db": 21.0, "seconds": 0.1}], {}),
    Row("dssnict", "dsSNICT", [{"psnr_db": 25.0, "seconds": 9.0}, {"psnr_db": 26.0, "seconds": 9.0}], {}),
]


def test_the_page_shows_each_volume_and_needs_no_other_file(tmp_path: Path) -> None:
    hu = np.zeros((4, 20, 30), np.float32)
    names = ("noncontrast", "excretory", "nephrographic", "kinetic", "dssnict")
    write_page(tmp_path, ROWS, 2, "tiny", "dssnict", "the network x.pt", ("800000", [(name, hu) for name in names]))
    text = (tmp_path / "index.html").read_text("utf-8")
    captions = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert captions == [
        "non-contrast", "excretory, registered", "true nephrographic", "kinetic, 20.0 dB", "dssnict, 25.0 dB"
    ]  # fmt: skip
    assert "Kinetic &lt;baseline&gt;" in text
    assert re.findall("<h2>(.*?)</h2>", text) == [
        "Images", "Kidneys", "Sets of slices", "Quality against time", "The same slices, exam 800000"
    ]  # fmt: skip
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "Research use only" in text


def test_the_picture_has_square_pixels_and_the_head_on_top() -> None:
    hu = np.full((10, 20, 30), -150.0, np.float32)
    hu[-1] = 250.0  # the top slice
    picture = np.asarray(Image.open(io.BytesIO(montage(hu))))
    assert picture.shape == (60, 90 + 6 + 90)  # 20 mm high at three pixels for a millimetre; slices are 2 mm thick
    coronal = picture[:, 96:]
    assert coronal[1].min() > 200
    assert coronal[-10].max() < 20
