"""The walks of an area, each over its worst cases in three sizes; `counted_work.py` runs this under valgrind.

Before and after each walk it sets no tracer: a call that nothing else makes, by which valgrind divides its
account. Prints the names of the walks and cases in their order.
"""

import gc
import json
import sys

from walks.all_walks import walks_of


def main(area: str, first: int, step: int, sizes: list[int]) -> None:
    """Walk over every `step`th case from the first on."""
    gc.disable()  # when it comes does not depend on the walk alone
    cases = [(name, case) for name, walk in walks_of(area).items() for case in walk.worst][first::step]
    for name, case in cases:
        walk = walks_of(area)[name]
        walk.run(walk.worst[case](sizes[0] >> 6))  # the first time fills caches
        raws = [walk.worst[case](size) for size in sizes]
        sys.settrace(None)
        for raw in raws:
            walk.run(raw)
            sys.settrace(None)
    print(json.dumps(cases))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(size) for size in sys.argv[4:]])
