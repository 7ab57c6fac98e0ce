"""Drawings of what runs where: today, and after the move.

Users on top, then the address, load balancers, web, database, files: each line leads from who asks
to who answers. A solid box is run by ourselves, a dashed one by the data centre.
"""

from dataclasses import dataclass, field
from html import escape

from evaluation.quantity import median
from evaluation.report.drawings import style
from evaluation.report.drawings.style import Drawing
from evaluation.report.view import View
from evaluation.results import Result

WIDTH = 420
MARGIN = 8
LANE = 16  # beside the machines: lines to what lies below them
RIGHT = WIDTH - MARGIN - LANE
MIDDLE = (MARGIN + RIGHT) / 2
GAP = 14  # between machines
PART = 32  # height of a part
STEP = 22  # between parts: room for a line
COLUMNS = 4  # machines drawn at most
BLACK = f'fill="{style.INK}"'
BOLD = f'{BLACK} font-weight="600"'
GREY = f'fill="{style.MUTED}"'
HALO = f'stroke="{style.PAPER}" stroke-width="3" paint-order="stroke"'


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that runs."""

    title: str
    detail: str = ""
    standby: bool = False  # takes over when the active one fails


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine and what runs on it; a row of which it has nothing stays empty."""

    title: str
    parts: dict[str, Part]  # by row


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Everything that is drawn."""

    address: str
    nodes: tuple[Node, ...]
    offered: dict[str, Part]  # by row: what the data centre runs
    managed: str  # title of the offered cluster around the nodes; "": they are ours
    colour: str


ROWS = ("balancer", "web", "database", "files", "registry")
# What is asked by the web replicas, in the machines or below them.
ASKED = ("database", "files")


def of_today(view: View) -> Topology:
    """What the inventory says there is: each machine with the parts of its role."""
    roles = {
        "all": ["web", "database", "files"],
        "web": ["web"],
        "database": ["database"],
        "files": ["files"],
        "balancer": ["balancer"],
    }
    machines = view.inventory.machines[:COLUMNS]
    runs = [list(roles[machine.role]) for machine in machines]
    for part in ("web", "database", "files"):  # no machine is named for it: it runs on the first
        if not any(part in parts for parts in runs):
            next((parts for parts in runs if "web" in parts), runs[0]).append(part)
    nodes = tuple(
        Node(
            title=machine.name,
            parts={row: Part(title=view.t(f"part.{row}")) for row in parts},
        )
        for machine, parts in zip(machines, runs, strict=True)
    )
    return Topology(
        address=view.t("part.address"), nodes=nodes, offered={}, managed="", colour=style.TODAY
    )


def of_candidate(view: View, result: Result) -> Topology:
    """What a candidate deploys, and what it takes from the data centre."""
    candidate = result.candidate
    needed = max(candidate.nodes or 1, _whole(median(result.capacity.nodes), 3))
    count = min(needed, COLUMNS)
    replicas = _whole(median(result.capacity.replicas), count)
    if candidate.balancer == "offered" and candidate.orchestrator == "swarm":
        replicas = max(replicas, count)  # a node has the port of its replica once
    nodes = []
    for number in range(count):
        own = _own(view, result, number)
        share = replicas // count + (number < replicas % count)
        if share:
            detail = view.t("part.and_cron") if number == 0 else ""
            own["web"] = Part(title=view.t("part.webs", count=share), detail=detail)
        title = view.t("part.node" if candidate.managed else "part.machine", number=number + 1)
        if number == COLUMNS - 1 and needed > COLUMNS:
            title = view.t("part.more", first=number + 1, last=needed)
        nodes.append(Node(title=title, parts=own))
    return Topology(
        address=view.t("part.moving" if candidate.balancer == "vrrp" else "part.address"),
        nodes=tuple(nodes),
        offered=_offered(view, result),
        managed=view.t(f"part.managed.{candidate.orchestrator}") if candidate.managed else "",
        colour=style.TARGET,
    )


def _whole(value: float, otherwise: int) -> int:
    return max(1, round(value)) if 0 < value < 1e4 else otherwise


def _own(view: View, result: Result, number: int) -> dict[str, Part]:
    candidate = result.candidate
    parts = {}
    several = {"vrrp": 2, "haproxy": 1}.get(candidate.balancer, 0)
    if number < several:
        parts["balancer"] = Part(
            title=view.t("part.balancer"),
            detail="HAProxy",
            standby=number > 0,
        )
    if candidate.database != "offered":
        detail = {"galera": "Galera", "single": "MariaDB", "on-machine": ""}[candidate.database]
        parts["database"] = Part(title=view.t("part.database"), detail=detail)
    if candidate.storage != "offered":
        detail = {"glusterfs": "GlusterFS", "cephfs": "CephFS", "local": ""}[candidate.storage]
        parts["files"] = Part(title=view.t("part.files"), detail=detail)
    if view.inventory.offers.registry is None:
        parts["registry"] = Part(title=view.t("part.registry"))
    return parts


def _offered(view: View, result: Result) -> dict[str, Part]:
    candidate, offers = result.candidate, view.inventory.offers
    offered = {}
    if candidate.balancer == "offered":
        offered["balancer"] = Part(title=view.t("part.balancer"))
    if candidate.database == "offered":
        engine = offers.database.engine if offers.database else ""
        names = {"mariadb": "MariaDB", "mysql": "MySQL"}
        offered["database"] = Part(title=view.t("part.database"), detail=names.get(engine, ""))
    if candidate.storage == "offered":
        kind = offers.storage.kind if offers.storage else ""
        names = {"nfs": "NFS", "cephfs": "CephFS", "glusterfs": "GlusterFS"}
        offered["files"] = Part(title=view.t("part.files"), detail=names.get(kind, ""))
    if offers.registry is not None:
        offered["registry"] = Part(title=view.t("part.registry"))
    return offered


@dataclass(kw_only=True)
class Canvas:
    """Elements of an SVG, lines below boxes."""

    colour: str
    size: float  # of words in parts
    lines: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)

    def line(self, *points: tuple[float, float], dashed: bool = False) -> None:
        """A line through points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.lines.append(
            f'<polyline points="{path}" fill="none" stroke="{style.MUTED}" '
            f'stroke-width="1.3" stroke-linejoin="round"{dash}/>'
        )

    def box(
        self, x: float, y: float, width: float, height: float, *, ours: bool, frame: bool = False
    ) -> None:
        """A box: solid if we run it, dashed if others do; a frame lies around boxes."""
        fill = f'fill="{style.PAPER}"' if not frame else f'fill="{self.colour}" fill-opacity="0.06"'
        stroke = self.colour if ours else style.MUTED
        dash = "" if ours else ' stroke-dasharray="5 3"'
        self.boxes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" {fill} '
            f'stroke="{stroke}" stroke-width="{1 if frame else 1.4}"{dash}/>'
        )

    def words(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 10,
        look: str = "",
        at: str = "middle",
    ) -> None:
        """Words on one line, their middle at `y`."""
        self.boxes.append(
            f'<text x="{x:g}" y="{y + size * 0.35:g}" text-anchor="{at}" font-size="{size:g}" '
            f"{look or BLACK}>{escape(words)}</text>"
        )

    def heading(self, x: float, y: float, words: str) -> None:
        """What a frame is called; lines pass behind it."""
        self.words(x, y, words, size=9, look=f"{GREY} {HALO}", at="start")

    def part(self, part: Part, x: float, y: float, width: float, *, ours: bool) -> None:
        """A part, with its detail below its title."""
        self.box(x, y, width, PART, ours=ours)
        middle = x + width / 2
        if part.detail:
            self.words(middle, y + PART / 2 - 6, part.title, size=self.size, look=BOLD)
            self.words(middle, y + PART / 2 + 7, part.detail, size=self.size - 1, look=GREY)
        else:
            self.words(middle, y + PART / 2, part.title, size=self.size, look=BOLD)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the machines and their rows lie."""

    columns: tuple[tuple[float, float], ...]  # left edge and width of each machine
    top: float
    tops: dict[str, float]  # upper edge of each row that some machine has
    bottom: float

    def middles(self, topology: Topology, row: str) -> list[float]:
        """The middle of each machine that has something in a row."""
        return [
            left + width / 2
            for (left, width), node in zip(self.columns, topology.nodes, strict=True)
            if row in node.parts
        ]


def columns(count: int, left: float, right: float) -> tuple[tuple[float, float], ...]:
    """Left edge and width of so many columns; a single one is as wide as one of two."""
    width = (right - left - GAP * (max(2, count) - 1)) / max(2, count)
    start = left if count > 1 else (left + right - width) / 2
    return tuple((start + index * (width + GAP), width) for index in range(count))


def place(topology: Topology, top: float) -> Place:
    """Rows below each other from `top` on."""
    tops = {}
    y = top + 24
    for row in ROWS:
        if any(row in node.parts for node in topology.nodes):
            y -= STEP - 8 if row == "registry" else 0  # no line leads to it
            tops[row] = y
            y += PART + STEP
    return Place(
        columns=columns(len(topology.nodes), MARGIN + 6, RIGHT - 6),
        top=top,
        tops=tops,
        bottom=y - STEP + 10,
    )


def both(view: View) -> tuple[Drawing, Drawing]:
    """Today, and the target."""
    target = of_candidate(view, view.target)
    offered = ", ".join(part.title for part in target.offered.values())
    return (
        view.drawing(
            "topology_today",
            draw(of_today(view), view),
            machines=", ".join(machine.name for machine in view.inventory.machines),
        ),
        view.drawing(
            "topology_target",
            draw(target, view),
            candidate=view.title(view.target),
            nodes=str(len(target.nodes)),
            offered=offered or view.t("none"),
        ),
    )


def draw(topology: Topology, view: View) -> str:
    """The topology as an SVG document."""
    canvas = Canvas(colour=topology.colour, size=10 if len(topology.nodes) < COLUMNS else 8.5)
    above = _users(canvas, topology, view)
    at = place(topology, above + STEP + (20 if topology.managed else 6))
    _machines(canvas, topology, at)
    _way_in(canvas, topology, at, above)
    bottom = _answers(canvas, topology, at)
    height = bottom + 24
    canvas.words(MIDDLE, bottom + 14, view.t("part.note"), size=8.5, look=GREY)
    body = "\n".join((*canvas.lines, *canvas.boxes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}" font-family="{style.FONTS}">\n{body}\n</svg>\n'
    )


def _users(canvas: Canvas, topology: Topology, view: View) -> float:
    """Users, their address, and an offered load balancer; returns the lower edge."""
    y = 4.0
    canvas.box(MIDDLE - 45, y, 90, 24, ours=False)
    canvas.words(MIDDLE, y + 12, view.t("part.users"), look=BOLD)
    width = 16 + 5.6 * len(topology.address)
    canvas.line((MIDDLE, y + 24), (MIDDLE, y + 38))
    y += 38
    canvas.box(MIDDLE - width / 2, y, width, 22, ours="balancer" not in topology.offered)
    canvas.words(MIDDLE, y + 11, topology.address)
    y += 22
    if "balancer" in topology.offered:
        canvas.line((MIDDLE, y), (MIDDLE, y + 14))
        canvas.part(topology.offered["balancer"], MIDDLE - 75, y + 14, 150, ours=False)
        y += 14 + PART
    return y


def _machines(canvas: Canvas, topology: Topology, at: Place) -> None:
    """The machines with their parts; members of one cluster are joined."""
    ours = not topology.managed
    if topology.managed:
        height = at.bottom - at.top + 28
        canvas.box(MARGIN, at.top - 20, RIGHT - MARGIN, height, ours=False, frame=True)
        canvas.heading(MARGIN + 8, at.top - 10, topology.managed)
    for (left, width), node in zip(at.columns, topology.nodes, strict=True):
        canvas.box(left, at.top, width, at.bottom - at.top, ours=ours, frame=True)
        canvas.heading(left + 8, at.top + 12, node.title)
        for row, part in node.parts.items():
            inset = 22 if row == "database" and "files" in node.parts else 8
            canvas.part(part, left + inset, at.tops[row], width - inset - 8, ours=True)
    for row in ASKED:
        members = at.middles(topology, row)
        if len(members) > 1:
            y = at.tops[row] + PART / 2
            canvas.line((members[0], y), (members[-1], y), dashed=True)


def _way_in(canvas: Canvas, topology: Topology, at: Place, above: float) -> None:
    """Lines from the address to load balancers, and from these to web replicas."""
    entrance = "balancer" if "balancer" in at.tops else "web"
    doors = at.middles(topology, entrance)
    y = above + 8
    canvas.line((MIDDLE, above), (MIDDLE, y))
    canvas.line((min(*doors, MIDDLE), y), (max(*doors, MIDDLE), y))
    for number, x in enumerate(doors):
        canvas.line((x, y), (x, at.tops[entrance]), dashed=entrance == "balancer" and number > 0)
    if entrance == "balancer":
        webs = at.middles(topology, "web")
        y = at.tops["balancer"] + PART + STEP / 2
        for number, x in enumerate(doors):
            canvas.line((x, at.tops["balancer"] + PART), (x, y), dashed=number > 0)
        for x in webs:
            canvas.line((x, y), (x, at.tops["web"]))
        canvas.line((min(doors + webs), y), (max(doors + webs), y))


def _answers(canvas: Canvas, topology: Topology, at: Place) -> float:
    """Lines from web replicas to database and files, and what lies below the machines.

    Returns the lower edge of it all.
    """
    bus = at.tops["web"] + PART + STEP / 2
    ends = at.middles(topology, "web")
    for x in ends:
        canvas.line((x, at.tops["web"] + PART), (x, bus))
    for (left, width), node in zip(at.columns, topology.nodes, strict=True):
        beside = left + 14 if "database" in node.parts else left + width / 2
        for row, x in (("database", left + width / 2), ("files", beside)):
            if row in node.parts:
                canvas.line((x, bus), (x, at.tops[row]))
                ends = [*ends, x]
    y = at.bottom + (8 if topology.managed else 0)
    below = [row for row in ("database", "files", "registry") if row in topology.offered]
    if below:
        y += STEP
        lane = any(row in at.tops for row in ("database", "files", "registry"))
        for (left, width), row in zip(
            columns(len(below), MARGIN + 6, RIGHT - 6), below, strict=True
        ):
            x = left + width / 2
            canvas.part(topology.offered[row], left, y, width, ours=False)
            if row in ASKED and lane:  # around what the machines have themselves
                side = WIDTH - MARGIN
                canvas.line((side, bus), (side, y - STEP / 2), (x, y - STEP / 2), (x, y))
                ends = [*ends, side]
            elif row in ASKED:
                canvas.line((x, bus), (x, y))
                ends = [*ends, x]
        y += PART
    canvas.line((min(ends), bus), (max(ends), bus))
    return y
