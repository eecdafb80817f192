"""Each name that the module uses or the host offers exists in Slicer, and is recorded with its source."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import slicer
import vtk

sys.path.insert(0, str(Path(__file__).parent))
from name_audit import names_used
from names import audited_uses, offered, read_rows


def _unrecorded(uses: list, rows: dict) -> list[str]:
    return [f"{use.where}: {' or '.join(use.names)}" for use in uses if not any(name in rows for name in use.names)]


def test_every_name_that_the_module_uses_is_recorded() -> None:
    rows = read_rows()
    assert _unrecorded(audited_uses(rows), rows) == []


def test_everything_that_the_host_offers_is_recorded() -> None:
    assert _unrecorded(offered(), read_rows()) == []


def test_each_recorded_name_is_used() -> None:
    rows = read_rows()
    used = {name for use in [*audited_uses(rows), *offered()] for name in use.names}
    assert [name for name, row in rows.items() if name not in used and not row.gives] == []


def test_recorded_members_of_vtk_and_mrml_classes_exist() -> None:
    members = [name.split(".") for name in read_rows() if name.startswith("vtk") and name.count(".") == 1]
    members = [(owner, member) for owner, member in members if owner != "vtk" and member != "util"]
    assert len(members) > 100
    for owner, member in members:
        cls = getattr(slicer, owner, None) or getattr(vtk, owner)
        assert hasattr(cls, member) or any(hasattr(sub, member) for sub in _subclasses(cls)), f"{owner}.{member}"


def _subclasses(cls: type) -> list[type]:
    return [sub for direct in cls.__subclasses__() for sub in (direct, *_subclasses(direct))]


def test_each_recorded_name_has_a_source_file() -> None:
    for row in read_rows().values():
        assert row.repository in ("Slicer", "CTK", "VTK", "Qt", "CPython", "SlicerPyTorch"), row
        assert Path(row.path).suffix in (".h", ".py", ".in"), row


@pytest.mark.parametrize(
    "code",
    [
        "import slicer\nslicer.util.loadUi('x')",
        "import slicer as s\ns.app.noSuchThing()",
        "import qt\nqt.QTimerr()",
        "import qt\ntimer = qt.QTimer()\ntimer.begin()",
        "import qt\ntimer = qt.QTimer()\ntimer.connect('timedout()', print)",
        "import ctk\nctk.ctkNope()",
        "from slicer.util import noSuchThing",
        "from slicer.i18n import gettext as _",
        "import slicer\ndef f(node: slicer.vtkMRMLScalarVolumeNode):\n    node.GetSpacings()",
        "import slicer\nnode = slicer.mrmlScene.AddNewNodeByClass('vtkMRMLTableNode')\nnode.AddRow()",
        "def f(node):\n    return node.GetSpacings()",
        "class A:\n    def f(self):\n        self.ui.applyButton.enable = True",
        "import vtk\nvtk.vtkPointz()",
        "import SampleData\nSampleData.SampleDataLogic.registerCustomSampleDataSource(sampleDescription='x')",
        "import qt\nclass A:\n    def f(self):\n        self.t = qt.QTimer()\n    def g(self):\n        self.t.halt()",
    ],
)
def test_an_invented_name_is_found(tmp_path: Path, code: str) -> None:
    file = tmp_path / "invented.py"
    file.write_text(code, encoding="utf-8")
    rows = read_rows()
    uses = names_used([file], {"applyButton": "QPushButton"}, {})
    assert _unrecorded(uses, rows) != []


def test_names_of_other_libraries_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.py"
    file.write_text(
        "import SimpleITK as sitk\nfrom pathlib import Path\n"
        "def f(image: sitk.Image, path: Path):\n"
        "    image.GetSpacing_()\n    sitk.ReadImage_(path)\n    path.Resolve()\n",
        encoding="utf-8",
    )
    assert names_used([file], {}, {}) == []
