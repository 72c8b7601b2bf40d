"""What the artist can do, one operator a file."""

import bpy

from . import (
    add_character,
    add_demo_scene,
    add_to_cast,
    cancel,
    check_shot,
    choose_engine,
    choose_picture,
    clean_cache,
    deliver,
    find_person,
    fit_plate,
    fit_pose,
    generate,
    import_motion,
    import_people,
    import_results,
    jobs,
    make_instance_real,
    mark_joints,
    match_reference,
    mend,
    open_log,
    presets,
    refresh_cast,
    reload_trusted,
    remake_range,
    remove_character,
    renew_background,
    roll_seed,
    start_engine,
    stop_engine,
    takes,
    tell,
    track_people,
    turn_picture,
    write_farm_bundle,
)

_MODULES = (
    add_character,
    add_demo_scene,
    add_to_cast,
    cancel,
    check_shot,
    choose_engine,
    choose_picture,
    clean_cache,
    deliver,
    find_person,
    fit_plate,
    fit_pose,
    generate,
    import_motion,
    import_people,
    import_results,
    jobs,
    make_instance_real,
    mark_joints,
    match_reference,
    mend,
    open_log,
    presets,
    refresh_cast,
    reload_trusted,
    remake_range,
    remove_character,
    renew_background,
    roll_seed,
    start_engine,
    stop_engine,
    takes,
    tell,
    track_people,
    turn_picture,
    write_farm_bundle,
)


def register() -> None:
    for module in _MODULES:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
    add_character.register()
    refresh_cast.register()


def unregister() -> None:
    refresh_cast.unregister()
    add_character.unregister()
    for module in reversed(_MODULES):
        for cls in module.CLASSES:
            bpy.utils.unregister_class(cls)
