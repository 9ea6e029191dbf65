"""Prints the functions that walks call, one `path:name` a line, over a short input of each worst case."""

from walks.all_walks import AREAS, walks_of
from walks.walkers import Called

SIZE = 3_000


def main() -> None:
    """Walk over all; formats are compiled meanwhile."""
    with Called() as called:
        for area in AREAS:
            for walk in walks_of(area).values():
                for make in walk.worst.values():
                    walk.run(make(SIZE))
    for walker in called.names:
        print(f"{walker.path}:{walker.name}")


if __name__ == "__main__":
    main()
