"""CTK's collapsible container (CTK/Libs/Widgets/ctkCollapsibleButton.h)."""

from __future__ import annotations

from PySide6.QtCore import QChildEvent, QEvent, QObject, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QStyle, QStyleOption, QStyleOptionButton, QWidget

from slicer_host.properties import computed, stored

_NO_LIMIT = 16777215  # QWIDGETSIZE_MAX


class ctkCollapsibleButton(QAbstractButton):
    """A header that shows or hides the widgets inside it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *args: object) -> None:
        text, parent = (args if len(args) == 2 else (args or ("",))[0:1] * 2) if args else ("", None)
        self._forcing = False
        super().__init__(parent if isinstance(parent, QWidget) else None)
        self.setText(text if isinstance(text, str) else "")
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContentsMargins(0, self._header_height(), 0, 0)
        self.toggled.connect(self._show_contents)

    collapsed = computed(bool, lambda self: not self.isChecked(), lambda self, value: self.setChecked(not value))
    flat = stored(bool, False, "update")

    @Slot(bool)
    def _show_contents(self, shown: bool) -> None:
        self._show_children()
        self.setMaximumHeight(_NO_LIMIT if shown else self.sizeHint().height())
        self.updateGeometry()
        self.contentsCollapsed.emit(not shown)

    def _show_children(self) -> None:
        for child in self.children():
            if isinstance(child, QWidget):
                self._show_child(child)

    def _show_child(self, child: QWidget) -> None:
        """Shows a child that is not hidden on purpose, where the contents are shown."""
        hidden = child.property("visibilityToParent") is False
        self._forcing = True
        child.setVisible(self.isChecked() and not hidden)
        self._forcing = False
        child.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, hidden)

    def childEvent(self, event: QChildEvent) -> None:
        child = event.child()
        if event.type() == QEvent.Type.ChildPolished and isinstance(child, QWidget):
            on_purpose = child.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
            if on_purpose and child.testAttribute(Qt.WidgetAttribute.WA_WState_Hidden):
                child.setProperty("visibilityToParent", False)
            child.installEventFilter(self)
            self._show_child(child)
        super().childEvent(event)

    def eventFilter(self, child: QObject, event: QEvent) -> bool:
        """Notes whether a child is to be shown. The child stays hidden as long as the section is folded."""
        if not self._forcing and event.type() == QEvent.Type.ShowToParent:
            child.setProperty("visibilityToParent", True)
            self._show_child(child)
        elif not self._forcing and event.type() == QEvent.Type.HideToParent:
            child.setProperty("visibilityToParent", False)
        return super().eventFilter(child, event)

    def setVisible(self, shown: bool) -> None:
        self._forcing = True
        super().setVisible(shown)
        self._forcing = False

    def showEvent(self, event: QShowEvent) -> None:
        self._show_children()
        super().showEvent(event)

    def _header_height(self) -> int:
        return self.fontMetrics().height() + 8

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.text()) + 40
        layout = self.layout()
        if layout is None or not self.isChecked():
            return QSize(width, self._header_height())
        hint = layout.totalSizeHint() if hasattr(layout, "totalSizeHint") else layout.sizeHint()
        return hint.expandedTo(QSize(width, self._header_height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def hitButton(self, position: object) -> bool:
        return QRect(0, 0, self.width(), self._header_height()).contains(position)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        header = QRect(0, 0, self.width(), self._header_height())
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = header
        if not self.flat:
            option.state |= QStyle.StateFlag.State_Raised
            self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QRect(6, (header.height() - 10) // 2, 10, 10)
        down, right = QStyle.PrimitiveElement.PE_IndicatorArrowDown, QStyle.PrimitiveElement.PE_IndicatorArrowRight
        self.style().drawPrimitive(down if self.isChecked() else right, arrow, painter, self)
        painter.setPen(self.palette().buttonText().color())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic
        painter.drawText(header.adjusted(22, 0, -4, 0), flags, self.text())
        if self.hasFocus():
            option.rect = header.adjusted(2, 2, -2, -2)
            self.style().drawPrimitive(QStyle.PrimitiveElement.PE_FrameFocusRect, option, painter, self)
