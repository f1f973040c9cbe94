"""The streets of a simulated city as a graph: read from a file of roads, or drawn as a grid."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_METRES_A_DEGREE = 111_320.0
# A stop is put at a node, so streets need nodes as close together as stops may be.
_LONGEST_EDGE_M = 15.0


@dataclass(frozen=True, slots=True)
class Plane:
    """Flat metres around a place: x to the east, y to the north. Good to a metre within some 20 km of it."""

    lat: float
    lon: float

    def xy(self, lat: float, lon: float) -> tuple[float, float]:
        """Return metres east and north of the middle."""
        return (lon - self.lon) * _METRES_A_DEGREE * math.cos(math.radians(self.lat)), (
            lat - self.lat
        ) * _METRES_A_DEGREE

    def latlon(self, x: float, y: float) -> tuple[float, float]:
        """Return degrees.

        >>> Plane(11.56, 104.915).latlon(*Plane(11.56, 104.915).xy(11.57, 104.92))
        (11.57, 104.92)
        """
        lon = self.lon + x / (_METRES_A_DEGREE * math.cos(math.radians(self.lat)))
        return round(self.lat + y / _METRES_A_DEGREE, 7), round(lon, 7)


@dataclass(frozen=True, slots=True)
class Way:
    """A piece of street between two crossings. nodes: indices along it. main: a wide road."""

    nodes: tuple[int, ...]
    length_m: float
    main: bool


class Streets:
    """A connected street graph in flat metres. Every edge may be driven both ways.

    xy: (n, 2) metres. degree: (n,) how many edges meet. main: (n,) whether the node lies on a wide road.
    """

    def __init__(self, plane: Plane, xy: Floats, edges: Ints, is_main: NDArray[np.bool_]) -> None:
        """Keep the largest connected part. edges: (m, 2) indices into xy; is_main: (m,)."""
        xy, edges, is_main = _split_long(xy, edges, is_main)
        lengths = np.hypot(*(xy[edges[:, 0]] - xy[edges[:, 1]]).T)
        parts, label = connected_components(_matrix(edges, lengths, len(xy)), directed=False)
        keep = label == np.bincount(label, minlength=parts).argmax()
        new = np.cumsum(keep) - 1
        inside = keep[edges[:, 0]]
        self.plane = plane
        self.xy = xy[keep]
        self.edges = new[edges[inside]]
        self.lengths_m = lengths[inside]
        self._matrix = _matrix(self.edges, self.lengths_m, len(self.xy))
        self.degree = np.bincount(self.edges.ravel(), minlength=len(self.xy))
        self.main = np.zeros(len(self.xy), dtype=bool)
        self.main[self.edges[is_main[inside]].ravel()] = True
        self._tree = cKDTree(self.xy)
        self._paths: dict[tuple[int, int], tuple[int, ...]] = {}

    @classmethod
    def read(cls, path: Path) -> Streets:
        """Return the streets of a file of roads: `{"roads": [{"c": class, "p": [x, y, x, y …]}]}`.

        Metres around lat 11.56, lon 104.915, y growing southwards; class 1 is a wide road.

        :raises ValueError: if the file does not hold that.
        """
        try:
            roads = json.loads(path.read_text(encoding="utf-8"))["roads"]
            lines = [(road["c"] == 1, list(zip(road["p"][::2], road["p"][1::2], strict=True))) for road in roads]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f'{path} is no file of roads: it should hold {{"roads": [{{"c", "p"}}]}}.') from error
        return cls.of_lines(Plane(11.56, 104.915), ((main, [(x, -y) for x, y in line]) for main, line in lines))

    @classmethod
    def grid(cls, *, columns: int = 24, rows: int = 30, plane: Plane = Plane(11.56, 104.915)) -> Streets:
        """Return a drawn city of blocks of 130 by 85 metres; every fifth street is wide."""
        lines: list[tuple[bool, list[tuple[float, float]]]] = []
        for i in range(columns):
            lines.append((i % 5 == 0, [(i * 130.0, j * 85.0) for j in range(rows)]))
        for j in range(rows):
            lines.append((j % 5 == 0, [(i * 130.0, j * 85.0) for i in range(columns)]))
        east, north = (columns - 1) * 65.0, (rows - 1) * 42.5
        return cls.of_lines(plane, ((main, [(x - east, y - north) for x, y in line]) for main, line in lines))

    @classmethod
    def of_lines(cls, plane: Plane, lines: Iterable[tuple[bool, Sequence[tuple[float, float]]]]) -> Streets:
        """Return the streets made of lines (wide or not, points in flat metres); equal points are one crossing."""
        index: dict[tuple[float, float], int] = {}
        edges: list[tuple[int, int]] = []
        is_main: list[bool] = []
        seen: set[tuple[int, int]] = set()
        for main, line in lines:
            nodes = [index.setdefault((round(x, 1), round(y, 1)), len(index)) for x, y in line]
            for a, b in pairwise(nodes):
                if a != b and (min(a, b), max(a, b)) not in seen:
                    seen.add((min(a, b), max(a, b)))
                    edges.append((a, b))
                    is_main.append(main)
        if not edges:
            raise ValueError("There are no streets.")
        return cls(plane, np.array(list(index)), np.array(edges), np.array(is_main))

    def nearest(self, lat: float, lon: float) -> int:
        """Return the node nearest to a place."""
        return int(self._tree.query(self.plane.xy(lat, lon))[1])

    def within(self, x: float, y: float, radius_m: float) -> list[int]:
        """Return the nodes within a circle."""
        return [int(i) for i in self._tree.query_ball_point((x, y), radius_m)]

    def distances_m(self, node: int, *, limit_m: float = np.inf) -> Floats:
        """Return the way along the streets from one node to each: (n,) metres, infinite beyond the limit."""
        return np.asarray(dijkstra(self._matrix, directed=False, indices=node, limit=limit_m))

    def path(self, start: int, end: int, *, avoid: frozenset[int] = frozenset()) -> tuple[int, ...]:
        """Return the nodes of the shortest way. Nodes to avoid cost twenty times their metres."""
        if start == end:
            return (start,)
        if not avoid and (start, end) in self._paths:
            return self._paths[start, end]
        matrix = self._matrix
        if avoid:
            shut = np.zeros(len(self.xy), dtype=bool)
            shut[list(avoid)] = True
            dear = shut[self.edges[:, 0]] | shut[self.edges[:, 1]]
            matrix = _matrix(self.edges, np.where(dear, 20.0, 1.0) * self.lengths_m, len(self.xy))
        direct = float(np.hypot(*(self.xy[start] - self.xy[end])))
        for limit in (3 * direct + 400, np.inf):
            before = dijkstra(matrix, directed=False, indices=start, limit=limit, return_predecessors=True)[1]
            if before[end] >= 0:
                break
        nodes = [end]
        while nodes[-1] != start:
            nodes.append(int(before[nodes[-1]]))
        found = tuple(reversed(nodes))
        if not avoid:
            self._paths[start, end] = found
        return found

    def ways(self) -> list[Way]:
        """Return the pieces of street between crossings (or ends), each once."""
        beside: list[list[int]] = [[] for _ in range(len(self.xy))]
        for a, b in self.edges:
            beside[a].append(int(b))
            beside[b].append(int(a))
        found = []
        for start in np.flatnonzero(self.degree != 2):
            for step in beside[start]:
                nodes = [int(start), step]
                while self.degree[nodes[-1]] == 2:
                    a, b = beside[nodes[-1]]
                    nodes.append(b if a == nodes[-2] else a)
                if nodes[0] < nodes[-1] or (nodes[0] == nodes[-1] and nodes[1] < nodes[-2]):
                    length = float(np.hypot(*np.diff(self.xy[nodes], axis=0).T).sum())
                    found.append(Way(tuple(nodes), length, bool(self.main[nodes].all())))
        return found


def _matrix(edges: Ints, lengths: Floats, size: int) -> csr_matrix:
    return csr_matrix((np.maximum(lengths, 0.01), (edges[:, 0], edges[:, 1])), shape=(size, size))


def _split_long(xy: Floats, edges: Ints, is_main: NDArray[np.bool_]) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """Put nodes into edges that are longer than a stop's place may be wrong by."""
    more, pieces, kinds = [xy], [], []
    size = len(xy)
    for (a, b), main in zip(edges, is_main, strict=True):
        count = max(1, math.ceil(float(np.hypot(*(xy[a] - xy[b]))) / _LONGEST_EDGE_M))
        inner = list(range(size, size + count - 1))
        if inner:
            share = np.arange(1, count)[:, None] / count
            more.append(xy[a] + share * (xy[b] - xy[a]))
            size += len(inner)
        chain = [int(a), *inner, int(b)]
        pieces += list(pairwise(chain))
        kinds += [bool(main)] * (len(chain) - 1)
    return np.concatenate(more), np.array(pieces), np.array(kinds)
