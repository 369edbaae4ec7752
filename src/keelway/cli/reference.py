"""Write the generated reference pages: ``python -m keelway.cli.reference docs/reference``."""

from __future__ import annotations

import sys
from pathlib import Path

from keelway.app.reference.pages import write


def main(arguments: list[str]) -> int:
    """Write the stale pages of the folder that the command line names."""
    if len(arguments) != 1:
        print("usage: python -m keelway.cli.reference FOLDER", file=sys.stderr)
        return 2
    written = (*write(Path(arguments[0])), *_commands(Path(arguments[0])))
    print("\n".join(f"written: {name}" for name in written) or "every page is fresh")
    return 0


def _commands(folder: Path) -> tuple[str, ...]:
    """Write the page of the commands when it is stale."""
    from keelway.cli.main import app
    from keelway.cli.show import manual

    path, text = folder / manual.FILE, manual.page(app)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return ()
    path.write_text(text, encoding="utf-8")
    return (manual.FILE,)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
