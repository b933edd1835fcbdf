"""Why did it do that? Every decision, in words, newest on top."""

# mypy: disallow-subclassing-any=False
from __future__ import annotations

from typing import TYPE_CHECKING

from gui._qt import Qt, QtCore, QtGui, QtWidgets, Signal
from gui.style import font
from gui.why import Kind, clock

if TYPE_CHECKING:
    from typing import Any

    from gui.model import RunView
    from gui.theme import Theme
    from gui.why import Row

COLUMNS = ("mm:ss", "decision", "why", "by")
TIME_TIP = "Time of the experiment"
TIME, WHAT, WHY, BY = range(4)
MAX_SHOWN = 500
HOUR_S = 3600.0
BY_DOTS, WHAT_DOTS, WHAT_SHARE = 84, 180, 0.26


class WhyModel(QtCore.QAbstractTableModel):
    """The rows of a `RunView`, newest first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.rows: list[Row] = []
        self.shows_all = False
        self._bold = font(12, bold=True)
        self._n_seen = 0
        self._has_hours = False

    def refresh(self, view: RunView) -> None:
        """Take the newest rows, if there are new ones."""
        if view.n_rows == self._n_seen:
            return
        if not self._has_hours and view.t_s >= HOUR_S:  # from now on all times are h:mm:ss
            self._has_hours = True
            self._reset(view)
            return
        new = view.n_rows - self._n_seen
        if not 0 < new <= len(view.rows):  # another run, or more than the view keeps
            self._reset(view)
            return
        self._n_seen = view.n_rows
        fresh = list(view.rows)[-new:]
        kept = [row for row in reversed(fresh) if self._is_shown(row)]
        if not kept:
            return
        root = QtCore.QModelIndex()
        self.beginInsertRows(root, 0, len(kept) - 1)
        self.rows[:0] = kept
        self.endInsertRows()
        if len(self.rows) > MAX_SHOWN:
            self.beginRemoveRows(root, MAX_SHOWN, len(self.rows) - 1)
            del self.rows[MAX_SHOWN:]
            self.endRemoveRows()

    def show_all(self, view: RunView, *, shows_all: bool) -> None:
        """Show every decision, or only those that changed something."""
        self.shows_all = shows_all
        self._reset(view)

    def rowCount(self, parent: Any = None) -> int:
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, _parent: Any = None) -> int:
        """Return the number of columns."""
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int) -> Any:
        """Return a column's title."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return "h:mm:ss" if section == TIME and self._has_hours else COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole and section == TIME:
            return TIME_TIP
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: QtCore.QModelIndex, role: int) -> Any:
        """Return text, colour, font or tooltip of a cell."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (clock(row.t_s, with_hours=self._has_hours), row.what, row.why, row.by)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.what}: {row.why}" if row.why else row.what
        if role == Qt.ItemDataRole.ForegroundRole:
            return QtGui.QColor(self._colour(row, column))
        if role == Qt.ItemDataRole.FontRole and column == WHAT and row.is_change:
            return self._bold
        return None

    def _colour(self, row: Row, column: int) -> str:
        theme = self._theme
        if column == WHAT:
            by_level = {"warn": theme.warn_text, "fault": theme.bad_text}
            if row.level in by_level:
                return by_level[row.level]
            return theme.accent_text if row.kind is Kind.PERSON else theme.text
        return theme.text if column == WHY and row.is_change else theme.muted

    def _is_shown(self, row: Row) -> bool:
        return self.shows_all or row.is_change

    def _reset(self, view: RunView) -> None:
        self.beginResetModel()
        self.rows = [row for row in reversed(view.rows) if self._is_shown(row)][:MAX_SHOWN]
        self._n_seen = view.n_rows
        self.endResetModel()


class WhyLog(QtWidgets.QFrame):
    """The table under its title."""

    picked = Signal(float)

    def __init__(self, theme: Theme, view: RunView) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._view = view
        self.model = WhyModel(theme)
        self.every = QtWidgets.QPushButton("every decision", self)
        self.every.setCheckable(True)
        self.every.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.every.setToolTip("Also show the decisions that left everything as it was")
        self.every.setStyleSheet("padding: 0 8px; font-size: 12px;")
        self.every.toggled.connect(lambda on: self.model.show_all(view, shows_all=on))
        self.table = self._make_table()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(2, 3, 2, 4)
        column.addWidget(self.table)
        self.setMinimumHeight(76)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """Keep the button at the right end of the header."""
        super().resizeEvent(event)
        what = int(min(max(WHAT_SHARE * self.width(), WHAT_DOTS), 2 * WHAT_DOTS))
        self.table.horizontalHeader().resizeSection(WHAT, what)
        size = self.every.sizeHint()
        self.every.setGeometry(self.width() - size.width() - 6, 4, size.width(), 20)
        self.every.raise_()

    def refresh(self) -> None:
        """Show the newest rows; a reader who has scrolled down keeps the place."""
        self.model.refresh(self._view)

    def show_time(self, t_s: float) -> None:
        """Select the row that is nearest to a time."""
        known = [(abs(row.t_s - t_s), i) for i, row in enumerate(self.model.rows)]
        if known:
            self.table.selectRow(min(known)[1])

    def _make_table(self) -> QtWidgets.QTableView:
        table = QtWidgets.QTableView()
        table.setModel(self.model)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        table.verticalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Fixed)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setFixedHeight(22)
        header.moveSection(BY, WHY)  # the reason comes last, and has what room there is
        for column, width in ((TIME, 76), (BY, BY_DOTS)):
            header.resizeSection(column, width)
        header.setSectionResizeMode(WHY, QtWidgets.QHeaderView.ResizeMode.Stretch)
        table.clicked.connect(lambda index: self.picked.emit(self.model.rows[index.row()].t_s))
        return table
