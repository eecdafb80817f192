"""SampleData: registering data sets that users can load by name (Slicer/Modules/Scripted/SampleData/SampleData.py)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlretrieve

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget


@dataclass
class SampleDataSource:
    """One data set: its addresses, or the function that makes it."""

    sampleName: str | None = None
    sampleDescription: str | None = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    customDownloader: Callable[[SampleDataSource], Any] | None = None
    thumbnailFileName: str | None = None
    loadFileTypes: Any = None
    loadFileProperties: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lists = ("uris", "fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes")
        if isinstance(self.uris, str):
            for name in lists:
                setattr(self, name, [getattr(self, name)])
        for name in lists[2:]:
            if getattr(self, name) is None:
                setattr(self, name, [None] * len(self.uris))
        lengths = {name: len(getattr(self, name)) for name in lists}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"All fields of sample data source must have the same length: {lengths}")
        self.sampleDescription = self.sampleDescription or self.sampleName


class SampleDataLogic:
    """The register of data sets, in `slicer.modules`."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Callable[[SampleDataSource], Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: dict[str, Any] = {},  # noqa: B006
        checksums: Any = None,
        loadFileType: Any = None,
    ) -> None:
        """Adds a data set; a known one is not added again."""
        if loadFileType is not None and loadFileTypes is not None:
            raise ValueError("loadFileType and loadFileTypes cannot be specified at the same time")
        sources = SampleDataLogic.sampleDataSourcesByCategory()
        source = SampleDataSource(
            sampleName=sampleName,
            uris=uris,
            fileNames=fileNames,
            nodeNames=nodeNames,
            customDownloader=customDownloader,
            thumbnailFileName=thumbnailFileName,
            loadFileTypes=loadFileType if loadFileTypes is None else loadFileTypes,
            loadFiles=loadFiles,
            loadFileProperties=loadFileProperties,
            checksums=checksums,
        )
        if source not in sources.setdefault(category, []):
            sources[category].append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        """The data sets of a category, or of all."""
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources
        return sources if category is None else sources.get(category, [])

    def sourceForSampleName(self, name: str) -> SampleDataSource | None:
        """The data set of a name."""
        sources = SampleDataLogic.sampleDataSourcesByCategory().values()
        return next((source for group in sources for source in group if source.sampleName == name), None)

    def downloadSample(self, sampleName: str) -> Any:
        """Loads the data set of a name, and returns its first node."""
        return self.downloadSamples(sampleName)[0]

    def downloadSamples(self, sampleName: str) -> list[Any]:
        """Loads the data set of a name, and returns its nodes."""
        source = self.sourceForSampleName(sampleName)
        return self.downloadFromSource(source) if source is not None else []

    @staticmethod
    def registerUrlRewriteRule(name: str, rewriteFunction: Callable[[str], str]) -> None:
        """Adds a function that turns an address into another one."""
        if not hasattr(slicer.modules, "sampleDataUrlRewriteRules"):
            slicer.modules.sampleDataUrlRewriteRules = {}
        slicer.modules.sampleDataUrlRewriteRules[name] = rewriteFunction

    def downloadFromSource(self, source: SampleDataSource) -> list[Any]:
        """Fetches the files of a data set into the cache, and loads those that have a node name.

        Slicer calls no function of the data set's own here; only the buttons of the module do that. This host fetches
        files of this computer, and reaches no network.
        """
        loaded = []
        for address, name, node in zip(source.uris, source.fileNames, source.nodeNames, strict=True):
            try:
                path = self.downloadFile(address, slicer.app.cachePath, name)
            except ValueError as error:  # Slicer logs it, tries twice more, and goes on with the next file
                logging.error("%s", error)
                continue
            loaded.append(slicer.util.loadVolume(path, {"name": node}))
        return loaded

    def downloadFile(self, uri: str, destFolderPath: str, name: str) -> str:
        """Fetches a file into a folder, unless it is there."""
        for rule in getattr(slicer.modules, "sampleDataUrlRewriteRules", {}).values():
            uri = rule(uri)
        target = Path(destFolderPath, name)
        if not target.exists():
            if not uri.startswith("file:"):
                raise ValueError(f"Failed to download {uri} to {target}")
            target.parent.mkdir(parents=True, exist_ok=True)
            urlretrieve(uri, target)
        return str(target)


def downloadSample(sampleName: str) -> Any:
    """Loads the data set of a name, and returns its first node."""
    return SampleDataLogic().downloadSample(sampleName)


def downloadSamples(sampleName: str) -> list[Any]:
    """Loads the data set of a name, and returns its nodes."""
    return SampleDataLogic().downloadSamples(sampleName)


class SampleData(ScriptedLoadableModule):
    """Describes the module."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Sample Data")
        parent.categories = [_("Informatics")]


class SampleDataWidget(ScriptedLoadableModuleWidget):
    """A button for each data set that a function of its own makes."""

    def setup(self) -> None:
        """Builds the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        self.sections: list[Any] = []

    def enter(self) -> None:
        """Shows the data sets, also those that were registered since the last time."""
        while self.sections:
            section = self.sections.pop()
            self.layout.removeWidget(section)
            section.deleteLater()
        for category, sources in SampleDataLogic.sampleDataSourcesByCategory().items():
            self.sections.append(self._section(category, sources))

    def _section(self, category: str, sources: list[SampleDataSource]) -> Any:
        section = qt.QGroupBox(category)
        self.layout.addWidget(section)
        column = qt.QVBoxLayout(section)
        for source in sources:
            button = qt.QToolButton()
            button.setText(source.sampleDescription)
            button.setObjectName(f"{source.sampleName}PushButton")
            button.setToolButtonStyle(qt.Qt.ToolButtonTextUnderIcon)
            if source.thumbnailFileName:
                button.setIcon(qt.QIcon(source.thumbnailFileName))
                button.setIconSize(qt.QSize(128, 128))
            column.addWidget(button)
            button.connect("clicked()", lambda chosen=source: chosen.customDownloader(chosen))
        return section
