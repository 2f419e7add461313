"""A part that is files and nothing else: a restore swaps them by renaming."""

from pathlib import Path


class FilesAlone:
    """What a restore asks of such a part besides its files."""

    def unpack(self, backup: Path) -> bool:
        """Nothing: its files are all that there is."""
        return False

    def swap(self) -> None:
        """Nothing."""

    def swap_back(self) -> None:
        """Nothing."""
