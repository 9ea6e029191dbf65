"""Spread partitions over the members of a group: evenly, and with as few moves as that allows."""

from collections.abc import Collection, Mapping
from itertools import islice


def spread(
    count: int, current: Mapping[str, Collection[int]], load: Mapping[str, int]
) -> dict[str, list[int]]:
    """Return the partitions, of `count`, that each member is to own; it owns the `current` ones.

    Shares differ by one at most. The larger ones go to the members of the least `load`, which is
    what they own of other topics, and among these to those that need not take or give for it.
    """
    owners: dict[int, str] = {}
    for member, partitions in sorted(current.items()):  # after a lost session two may claim the same
        owners |= {number: member for number in partitions if number < count and number not in owners}
    kept: dict[str, list[int]] = {member: [] for member in current}
    for number, member in sorted(owners.items()):
        kept[member].append(number)
    least, larger = divmod(count, len(current))
    order = sorted(current, key=lambda member: (load[member], -len(kept[member]), member))
    shares = {member: kept[member][: least + (place < larger)] for place, member in enumerate(order)}
    free = iter(sorted(set(range(count)).difference(*shares.values())))
    for place, share in enumerate(shares.values()):
        share.extend(islice(free, least + (place < larger) - len(share)))
    return {member: sorted(share) for member, share in shares.items()}
