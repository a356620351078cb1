"""Adding the entities of rooms and doors, also of those that come later."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from homeassistant.core import callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DATA_HUB, SUBENTRY_ACCESS_POINT
from .coordinator import AccessCoordinator, BookingAccessConfigEntry
from .engine.models import AccessPoint, PointState
from .later import in_pieces
from .room import LiveRoom


def rooms_of(entry: BookingAccessConfigEntry) -> list[LiveRoom]:
    """Return the rooms of a booking account; an access account has none."""
    rooms = entry.runtime_data.hass.data[DATA_HUB].rooms
    return [rooms[room_id] for room_id in entry.subentries if room_id in rooms]


async def async_for_rooms(
    entry: BookingAccessConfigEntry, add: Callable[[LiveRoom], None]
) -> None:
    """Add something for each room; all else goes on meanwhile."""
    async for room in in_pieces(rooms_of(entry)):
        if room.config.id in entry.subentries:  # nobody removed it meanwhile
            add(room)


async def async_add_rooms(
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[LiveRoom], Iterable[Entity]],
) -> None:
    """Add the entities of each room, to its own device."""

    def add(room: LiveRoom) -> None:
        async_add_entities(make(room), config_subentry_id=room.config.id)

    await async_for_rooms(entry, add)


def _typed_in(entry: BookingAccessConfigEntry) -> Mapping[str | None, str]:
    """Return the subentries of doors that were typed in, by the doors' ids."""
    subentries = entry.get_subentries_of_type(SUBENTRY_ACCESS_POINT)
    return {each.unique_id: each.subentry_id for each in subentries}


async def async_add_doors(
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[AccessCoordinator, AccessPoint, PointState], Iterable[Entity]],
) -> None:
    """Add the entities of each door, now and as doors come and tell more.

    ``make`` is asked again at each news. A door that was typed in is its subentry's.
    """
    coordinator = entry.runtime_data
    if (
        not isinstance(coordinator, AccessCoordinator)
        or not coordinator.system.has_devices
    ):
        return
    added: set[str] = set()
    typed_in = _typed_in(entry)

    def made() -> list[tuple[str, Entity]]:
        new, data = [], coordinator.data
        for point in data.points.values():
            state = data.states.get(point.id, PointState())
            for entity in make(coordinator, point, state):
                if (own_id := entity.unique_id) and own_id not in added:
                    added.add(own_id)  # until its door goes, which may come back
                    entity.async_on_remove(partial(added.discard, own_id))
                    new.append((point.id, entity))
        return new

    async def add(new: Iterable[tuple[str, Entity]]) -> None:
        async for point_id, entity in in_pieces(new):
            async_add_entities([entity], config_subentry_id=typed_in.get(point_id))

    @callback
    def add_new() -> None:
        if new := made():
            entry.async_create_task(coordinator.hass, add(new))

    await add(made())
    entry.async_on_unload(coordinator.async_add_listener(add_new))
