"""The shot's settings as a scene remembers them, and where its last results lie."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from isa_engine.configuration.policies import EXACT, FORECAST, PRESETS, SPARING
from isa_engine.models import Description
from isa_engine.models.kind import MAX_DETAIL
from isa_engine.shot import Settings, canvas_size
from isa_engine.shot.validation import (
    MAX_CANVAS,
    MAX_GUIDANCE,
    MAX_PLATE_SCALE,
    MAX_PROMPT,
    MAX_STEPS,
)

from ..scene.timeline import frame_shape
from .cast import BLEND_RELATIVE, CastMember
from .changes import changed
from .models import chosen, model_named


class SceneSettings(bpy.types.PropertyGroup):
    """The shot's settings, as ``scene.isa``."""

    cast: CollectionProperty(type=CastMember)
    cast_index: IntProperty(name="Cast Member", options={"SKIP_SAVE"}, update=changed("cast_index"))
    # By its name: only the engine knows which models there are, and another machine has others.
    model: StringProperty(name="Model", description="Which network generates", default=Settings.model)
    prompt: StringProperty(
        name="Prompt", description="What the video is to show, in words", maxlen=MAX_PROMPT
    )
    negative_prompt: StringProperty(
        name="Not", description="What is not to be seen, in words", maxlen=MAX_PROMPT
    )
    one_by_one: BoolProperty(
        name="One by One",
        description="Paint the people one after the other, so that nobody wears what is another's; each "
        "takes as long again",
    )
    steering: EnumProperty(
        name="Steering",
        description="Which picture of the cast steers the model",
        items=[
            ("pose", "Skeletons", "Joints and limbs: it is free in how bodies and clothes are shaped"),
            ("depth", "Depth", "Bright is near, of the cast and of a rendered background: shapes are kept"),
        ],
        default=Settings.steering,
    )
    painted: EnumProperty(
        name="Painted",
        description="Where people are painted; all around it a background stays as it is",
        items=[
            ("mask", "Bodies", "Bodies, with a hand's breadth of room for hair and cloth"),
            ("boxes", "Boxes", "A box about each of these: wide skirts, hats and props have room as well"),
        ],
        default=Settings.painted,
    )
    detail: IntProperty(
        name="Detail",
        description="A larger canvas, painted in so many tiles along its shorter side: 2 has 1.75 times the "
        "pixels along each side and takes up to five times as long, 3 has 2.5 times and takes up to ten",
        # What new scenes begin with.
        default=PRESETS["Final"].detail,
        min=1,
        max=MAX_DETAIL,
    )
    steps: IntProperty(
        name="Steps",
        description="Denoising steps: more take longer and look cleaner",
        default=Settings.steps,
        min=1,
        max=MAX_STEPS,
        soft_max=100,
    )
    guidance: FloatProperty(
        name="Guidance",
        description="How strictly the video follows the cast; 1 is not at all strict, and twice as fast",
        default=Settings.guidance,
        min=0,
        max=MAX_GUIDANCE,
        soft_max=10,
    )
    policy: EnumProperty(
        name="Computed",
        description="Which steps ask the network",
        items=[
            (EXACT, "Every Step", "Nothing is spared"),
            (
                FORECAST,
                "Every Other",
                "The others are forecast from those before: a third of the time, and hardly another picture",
            ),
            (
                SPARING,
                "Every Fourth",
                "The others are forecast from those before: a fifth of the time, and with 25 steps hardly "
                "another picture",
            ),
        ],
        default=Settings.policy,
    )
    seed: IntProperty(
        name="Seed",
        description="Another number gives another take",
        default=Settings.seed,
        min=0,
        max=2**31 - 1,
    )
    plate: EnumProperty(
        name="Plate",
        description="How the plate comes into the scene; Shift-click for several",
        items=[
            ("PLANE", "Plane", "A plane that fills the camera's frame; it is rendered"),
            ("BACKGROUND", "Image", "The camera's background image; seen while you work, never rendered"),
            ("STRIP", "Strip", "A strip of the Sequencer, on the shot's frames"),
            ("COMPOSITOR", "People", "A group of the compositor that lays the people over your render"),
        ],
        options={"ENUM_FLAG"},
        default={"PLANE", "BACKGROUND"},
        update=changed("plate"),
    )
    view: EnumProperty(
        name="View",
        description="What the view through the camera shows",
        items=[
            ("STAGE", "Stage", "The scene without the plate"),
            ("PLATE", "Plate", "The plate, before the scene"),
            ("BOTH", "Both", "The plate over the scene, as opaque as you like"),
        ],
        default="PLATE",
        update=changed("view"),
    )
    opacity: FloatProperty(
        name="Opacity",
        description="Of the plate over the scene",
        subtype="FACTOR",
        default=0.5,
        min=0,
        max=1,
        update=changed("view"),
    )
    background: EnumProperty(
        name="Background",
        description="What stands behind the people",
        items=[
            ("NONE", "None", "Left to the model and its pictures"),
            (
                "RENDER",
                "Scene",
                "The scene rendered without the cast, at the shot's frames through its camera",
            ),
            ("FOOTAGE", "Footage", "A movie or an image sequence"),
        ],
    )
    background_quick: BoolProperty(
        name="Quick",
        description="Render by Cycles with few samples and a denoiser, else as the scene is set to render",
        default=True,
    )
    background_shadows: BoolProperty(
        name="Shadows",
        description="The camera does not see the cast, whose shadows and reflections stay and come into the "
        "plate. Without them the model paints what it knows of shadows",
        default=True,
    )
    background_holdout: BoolProperty(
        name="Holdout",
        description="What of the set stands before somebody hides them, in the plate and in the matte. Glass "
        "does, too. Without this, people are painted over all of the set",
        default=True,
    )
    plate_scale: IntProperty(
        name="Plate Scale",
        description="The plate has so many times the canvas's pixels along each side: the set, the people's "
        "outlines and the matte are sharper, what is inside of people is not. The background has as many "
        "pixels: Quick renders it as long with 2 as with 1, with 4 four times; by the scene's own settings "
        "it is four times as long with 2, sixteen with 4",
        default=2,
        min=1,
        max=MAX_PLATE_SCALE,
    )
    background_version: IntProperty(options={"HIDDEN"})
    footage: PointerProperty(type=bpy.types.Image, name="Footage", description="A movie or an image sequence")
    footage_start: IntProperty(
        name="Starts at", description="The scene frame at which the footage begins", default=1
    )
    folder: StringProperty(
        name="Output",
        description="Where results are kept. Empty: in a folder 'isa' beside the .blend, or in a temporary "
        "one while the file is not saved",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )
    overlay: BoolProperty(
        name="What the Model Sees",
        description="Draw in the viewport what the model gets: each character's points, pale where the "
        "picture does not show them, or the pictures that steer it, and the frame that is generated",
    )
    # By their names in ``isa_engine.controls``.
    controls: EnumProperty(
        name="Controls",
        description="Pictures of the cast that steer models, drawn over the camera's view; Shift-click for "
        "several",
        items=[
            ("pose", "Skeletons", "Joints and limbs, nearer ones before farther ones"),
            ("mask", "Mask", "Where people are painted, with room for hair and cloth"),
            ("depth", "Depth", "Bright is near"),
            ("normals", "Normals", "Which way the skin faces, as seen from the camera"),
            ("boxes", "Boxes", "Boxes about the masks"),
        ],
        options={"ENUM_FLAG"},
        default={"pose"},
    )
    last_results: StringProperty(name="Last Results", subtype="DIR_PATH", options=BLEND_RELATIVE)
    other_results: StringProperty(name="Results Before", subtype="DIR_PATH", options=BLEND_RELATIVE)
    shot: StringProperty(name="Shot", description="By which its takes are found", options={"HIDDEN"})


def canvas(scene) -> tuple[int, int]:
    """Width and height in pixels of what the chosen model paints for the scene's frame.

    Raises:
        SceneError: the model is not known.
    """
    model = model_named(scene.isa.model)
    return canvas_of(frame_shape(scene), model, detail(scene.isa, model))


def canvas_of(shape: tuple[float, float], model: Description, detail: int) -> tuple[int, int]:
    """What a model paints for a frame of this shape: ``canvas_size``."""
    return canvas_size(*shape, model.short_side, model.multiple, detail)


def detail(isa: SceneSettings, model: Description) -> int:
    """As of ``canvas_size``: what is chosen, as far as the model can."""
    return min(isa.detail, model.detail)


def plate_scale(scene) -> int:
    """As of ``shot.Settings``, where the plate is laid over a background: what was chosen; where nobody has,
    as much of the usual as a plate's side may have."""
    isa = scene.isa
    if not lays_over(scene):
        return 1
    if isa.is_property_set("plate_scale"):
        return isa.plate_scale
    return max(min(isa.plate_scale, MAX_CANVAS // max(canvas(scene))), 1)


def lays_over(scene) -> bool:
    """Whether there is a background, and the chosen model lays its plate over it."""
    model = chosen(scene)
    return model is not None and model.lays_over and scene.isa.background != "NONE"


def generation_settings(scene) -> Settings:
    """The scene's settings in the engine's terms; what only some models know, for these alone.

    Raises:
        SceneError: the model is not known.
    """
    isa, model = scene.isa, model_named(scene.isa.model)
    words = (isa.prompt, isa.negative_prompt) if model.prompted else ("", "")
    size = canvas(scene)
    one_by_one = isa.one_by_one and model.one_by_one
    steering = _known(isa.steering, model.steering or (Settings.steering,))
    painted = _known(isa.painted, model.painted or (Settings.painted,))
    how = isa.steps, isa.guidance, isa.seed, isa.policy
    return Settings(isa.model, *size, *how, *words, one_by_one, steering, painted, plate_scale(scene))


def can_hold_out(scene) -> bool:
    """Whether the set, where it is rendered, can hide whom it stands before: a model that is told where to
    paint paints all of that place."""
    model = chosen(scene)
    return model is None or not model.painted


def _known(wish: str, choices: tuple[str, ...]) -> str:
    """What is wished where it can be chosen, else the usual one, which is the first."""
    return wish if wish in choices else choices[0]


CLASSES = (SceneSettings,)
