"""Finished tiles on disk, so that none is computed twice and no evidence has to stay in memory.

The folder of a store is named by everything that its tiles depend on, and each tile's record carries the checksums
of its arrays; a tile is finished when its record is there and the checksums are right.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.whole_file import whole_file
from flows.work import read_json, write_json
from imagery.raster import FloatArray
from imagery.tile import Tile
from models.compare import TileResult
from models.detect import Detection


@dataclass(frozen=True, kw_only=True)
class TileStore:
    """Tiles of one pair.

    Parameters
    ----------
    folder : Path
        Exists; holds ``<tile>.json`` and, where the tile was assessed, ``<tile>.npy`` (evidence) and
        ``<tile>.cells.npy`` (detectability).
    """

    folder: Path

    def save(self, result: TileResult) -> str:
        """Keep a tile; its record is written last, each file whole or not at all.

        Returns
        -------
        str
            SHA-256 of the evidence, "" where there is none.
        """
        checksum = cells = ""
        if result.evidence is not None:
            checksum = _write_array(self.folder / f"{result.tile}.npy", result.evidence)
        if result.detectability is not None:
            cells = _write_array(self.folder / f"{result.tile}.cells.npy", result.detectability)
        write_json(
            self.folder / f"{result.tile}.json",
            {
                "tile": result.tile,
                "valid_fraction": result.valid_fraction,
                "reason": result.reason,
                "detections": [detection.as_dict() for detection in result.detections],
                "evidence_sha256": checksum,
                "detectability_sha256": cells,
            },
        )
        return checksum

    def checksum(self, tile: str) -> str | None:
        """SHA-256 of a finished tile's evidence ("" where it has none), None where it is not finished or damaged."""
        record = read_json(self.folder / f"{tile}.json")
        if record is None or record.get("tile") != tile:
            return None
        evidence = str(record["evidence_sha256"])
        whole = self._has(f"{tile}.npy", evidence) and self._has(
            f"{tile}.cells.npy", record.get("detectability_sha256")
        )
        return evidence if whole else None

    def _has(self, name: str, stated: str | None) -> bool:
        """Whether a file is as stated: "" for none."""
        if stated == "":
            return True
        try:
            return hashlib.sha256((self.folder / name).read_bytes()).hexdigest() == stated
        except OSError:
            return False

    def load(self, tile: str) -> TileResult:
        """A finished tile, without its arrays.

        Raises
        ------
        KeyError
            It is not finished.
        """
        record = read_json(self.folder / f"{tile}.json")
        if record is None:
            raise KeyError(tile)
        return TileResult(
            tile=tile,
            valid_fraction=record["valid_fraction"],
            reason=record["reason"],
            evidence=None,
            detections=tuple(Detection.from_dict(detection) for detection in record["detections"]),
        )

    def evidence(self, tile: Tile) -> FloatArray | None:
        """Evidence over a tile's core, float32 (row, col); None where the tile was not assessed."""
        return _read_array(self.folder / f"{tile.id}.npy")

    def detectability(self, tile: Tile) -> FloatArray | None:
        """Map over a tile's cells, float32 (layer, cell row, cell col); None where the tile was not assessed."""
        return _read_array(self.folder / f"{tile.id}.cells.npy")


def _read_array(path: Path) -> FloatArray | None:
    if not path.exists():
        return None
    array: FloatArray = np.load(path, allow_pickle=False)
    return array


def _write_array(path: Path, array: FloatArray) -> str:
    # Through memory: numpy's own writing to a file hides why a full disk refused it.
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    with whole_file(path) as partial:
        partial.write_bytes(buffer.getbuffer())
    return hashlib.sha256(buffer.getbuffer()).hexdigest()
