"""Materials by code: skin, cloth, hair, and what grounds, walls and furniture are made of.

Patterns follow the attribute ``rest``, a place in metres that sticks to its surface while it moves.
"""

import colorsys

import bpy
import numpy as np

# As in the fast renderer (``isa_engine.data.surfaces.patterns``), so that both share the split's held-out
# looks.
PATTERNS = ("plain", "stripes", "checks", "dots", "blotches")
SKIN = np.array(
    [[0.80, 0.52, 0.39], [0.68, 0.40, 0.27], [0.45, 0.23, 0.13], [0.26, 0.12, 0.065], [0.12, 0.055, 0.032]]
)
HAIR = np.array(
    [
        [0.012, 0.009, 0.008],
        [0.05, 0.025, 0.012],
        [0.16, 0.08, 0.03],
        [0.42, 0.27, 0.10],
        [0.35, 0.34, 0.33],
        [0.22, 0.05, 0.015],
    ]
)
REST = "rest"


def random_colour(random: np.random.Generator, vivid: float = 0.4) -> np.ndarray:
    """Linear RGB: dyes, mostly muted; ``vivid`` is the mean saturation."""
    saturation, value = random.beta(1.2, 1.2 * (1 - vivid) / vivid), random.beta(1.3, 1.3)
    return np.array(colorsys.hsv_to_rgb(random.random(), saturation, 0.04 + 0.86 * value)) ** 1.6


class Shader:
    """A node tree under construction; sockets and numbers are wired alike."""

    def __init__(self, name: str):
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.nodes, self.links = self.material.node_tree.nodes, self.material.node_tree.links
        self.surface = self.nodes["Principled BSDF"]

    def node(self, kind: str, output: int | str = 0, **inputs):
        """Add a node; a keyword names an input, its third input is ``_2``, or sets a property of the node."""
        node = self.nodes.new("ShaderNode" + kind)
        for key in list(inputs):
            if key in node.bl_rna.properties and key not in node.inputs:
                setattr(node, key, inputs.pop(key))
        for key, value in inputs.items():
            self.set(node.inputs[int(key[1:]) if key.startswith("_") else key.replace("_", " ")], value)
        return node.outputs[output]

    def set(self, socket, value) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.links.new(value, socket)
        elif socket.type == "RGBA":
            socket.default_value = (*map(float, value), 1.0)
        else:
            socket.default_value = value

    def math(self, operation: str, a, b=0.0):
        return self.node("Math", operation=operation, _0=a, _1=b)

    def mix(self, factor, a, b):
        """Colours ``a`` to ``b``."""
        node = self.nodes.new("ShaderNodeMix")
        node.data_type = "RGBA"
        for socket, value in zip(
            (node.inputs[0], node.inputs[6], node.inputs[7]), (factor, a, b), strict=True
        ):
            self.set(socket, value)
        return node.outputs[2]

    def principled(self, **inputs) -> None:
        for key, value in inputs.items():
            self.set(self.surface.inputs[key.replace("_", " ")], value)

    def bump(self, height, strength: float, distance: float) -> None:
        self.set(
            self.surface.inputs["Normal"],
            self.node("Bump", Height=height, Strength=strength, Distance=distance),
        )

    def place(self, random: np.random.Generator, turned: bool = True):
        """The place that sticks, shifted by chance and turned."""
        where = self.node("Attribute", "Vector", attribute_name=REST)
        turn = random.uniform(0, np.pi, 3) if turned else np.zeros(3)
        return self.node(
            "Mapping", Vector=where, Location=tuple(random.uniform(-9, 9, 3)), Rotation=tuple(turn)
        )

    def pattern(self, random: np.random.Generator, kind: str, colours, size: float, place):
        """Two colours in one of ``PATTERNS``, ``size`` metres wide."""
        if kind == "plain":
            return self.mix(0.0, colours[0], colours[0])
        if kind == "blotches":
            noise = self.node("TexNoise", Vector=place, Scale=0.8 / size, Detail=2.0)
            return self.mix(self.math("GREATER_THAN", noise, 0.52), *colours)
        if kind == "dots":
            cells = self.node(
                "TexVoronoi", Vector=place, Scale=1 / size, Randomness=float(random.choice([0.0, 1.0]))
            )
            return self.mix(self.math("LESS_THAN", cells, 0.32), *colours)
        axes = self.node("SeparateXYZ", Vector=place)
        bands = [
            self.math("GREATER_THAN", self.math("SINE", self.math("MULTIPLY", axis, 2 * np.pi / size)), width)
            for axis, width in zip(
                [axes.node.outputs[1], axes.node.outputs[0]], random.uniform(-0.3, 0.5, 2), strict=True
            )
        ]
        if kind == "stripes":
            return self.mix(bands[0], *colours)
        return self.mix(self.math("MULTIPLY", self.math("ADD", *bands), 0.5), *colours)


def cloth(random: np.random.Generator, kind: str) -> bpy.types.Material:
    """A garment's: a pattern, worn a little, with folds."""
    shader = Shader("cloth")
    place = shader.place(random, turned=kind == "blotches" or random.random() < 0.2)
    colours = [random_colour(random), random_colour(random)]
    colour = shader.pattern(random, kind, colours, float(random.uniform(0.03, 0.16)), place)
    wear = shader.node("TexNoise", Vector=place, Scale=float(random.uniform(4, 15)), Detail=4.0)
    colour = shader.mix(
        shader.math("MULTIPLY", wear, float(random.uniform(0.1, 0.5))), colour, colours[0] * 0.4
    )
    shader.principled(
        Base_Color=colour,
        Roughness=float(random.uniform(0.55, 0.95)),
        Sheen_Weight=float(random.uniform(0, 0.4)),
    )
    folds = shader.node("Mapping", Vector=place, Scale=(8.0, 3.0, 8.0))
    shader.bump(shader.node("TexNoise", Vector=folds, Detail=2.0), 0.6, float(random.uniform(0.005, 0.025)))
    return shader.material


def leather(random: np.random.Generator) -> bpy.types.Material:
    """Shoes'."""
    shader = Shader("leather")
    shader.principled(Base_Color=random_colour(random, 0.3), Roughness=float(random.uniform(0.25, 0.7)))
    return shader.material


def skin(random: np.random.Generator) -> bpy.types.Material:
    """Skin, its tone times the attribute ``paint`` that colours the face."""
    shader = Shader("skin")
    mixture = random.dirichlet([0.6] * len(SKIN)) @ SKIN
    place = shader.place(random)
    blush = shader.node("TexNoise", Vector=place, Scale=18.0, Detail=3.0)
    tone = shader.mix(shader.math("MULTIPLY", blush, 0.5), mixture * 0.85, mixture * [1.2, 1.0, 0.95])
    paint = shader.node("Attribute", "Color", attribute_name="paint")
    shade = shader.node("MixRGB", blend_type="MULTIPLY", Fac=1.0, Color1=tone, Color2=paint)
    shader.principled(Base_Color=shade, Roughness=0.5, Specular_IOR_Level=0.35)
    return shader.material


def eye() -> bpy.types.Material:
    """Coloured by the attribute ``paint``."""
    shader = Shader("eye")
    shader.principled(Base_Color=shader.node("Attribute", "Color", attribute_name="paint"), Roughness=0.1)
    return shader.material


def hair(colour: np.ndarray) -> bpy.types.Material:
    shader = Shader("hair")
    strands = shader.node(
        "Mapping", Vector=shader.node("Attribute", "Vector", attribute_name=REST), Scale=(90.0, 9.0, 90.0)
    )
    streak = shader.node("TexNoise", Vector=strands, Detail=2.0)
    shader.principled(
        Base_Color=shader.mix(streak, colour * 0.45, (colour * 1.5).clip(0, 1)),
        Roughness=0.45,
        Specular_IOR_Level=0.3,
    )
    shader.bump(streak, 0.8, 0.006)
    return shader.material


def paint(random: np.random.Generator, colour: np.ndarray, roughness: float = 0.7) -> bpy.types.Material:
    """A painted or plastered surface, a little uneven."""
    shader = Shader("paint")
    place = shader.node("TexCoord", "Object")
    uneven = shader.node("TexNoise", Vector=place, Scale=float(random.uniform(0.6, 3)), Detail=5.0)
    shader.principled(
        Base_Color=shader.mix(uneven, colour * 0.8, (colour * 1.1).clip(0, 1)), Roughness=roughness
    )
    return shader.material


def light(strength: float, colour: np.ndarray) -> bpy.types.Material:
    shader = Shader("light")
    shader.principled(Base_Color=(0, 0, 0), Emission_Color=colour, Emission_Strength=strength)
    return shader.material


def ground(random: np.random.Generator, kind: str) -> bpy.types.Material:
    """``kind``: "grass", "soil", "sand", "snow", "asphalt", "tiles", "bricks", "planks", "carpet"."""
    shader = Shader(kind)
    place = shader.node(
        "Mapping", Vector=shader.node("TexCoord", "Object"), Rotation=(0.0, 0.0, random.uniform(0, 3))
    )
    fine = shader.node(
        "TexNoise", Vector=place, Scale=float(random.uniform(15, 40)), Detail=8.0, Roughness=0.7
    )
    broad = shader.node("TexNoise", Vector=place, Scale=float(random.uniform(0.15, 0.6)), Detail=5.0)
    tones = _GROUNDS.get(kind)
    if tones is not None:
        dark, bright, patch = tones * random.uniform(0.75, 1.25, (1, 3)) * random.uniform(0.8, 1.2)
        worn = shader.node("MapRange", Value=broad, From_Min=0.42, From_Max=0.62)
        colour = shader.mix(
            shader.math("MULTIPLY", worn, float(random.uniform(0.2, 0.9))),
            shader.mix(fine, dark, bright),
            patch,
        )
        shader.principled(Base_Color=colour.node.outputs[2], Roughness=0.95)
        shader.bump(fine, 0.7, 0.03)
        return shader.material
    first = random_colour(random, 0.3) * 0.8 + 0.03
    second = (
        (first * random.uniform(0.4, 1.3)).clip(0, 0.9)
        if random.random() < 0.6
        else random_colour(random, 0.3)
    )
    if kind == "carpet":
        pattern = str(random.choice(PATTERNS))
        colour = shader.pattern(random, pattern, (first, second), float(random.uniform(0.2, 0.9)), place)
    elif kind == "tiles":
        size = float(random.uniform(0.25, 1.2))
        colour = shader.node("TexChecker", Vector=place, Scale=1 / size, Color1=first, Color2=second)
    else:
        length = {"planks": 4.0, "bricks": 2.0}[kind]
        wood = np.array([0.28, 0.14, 0.06]) * random.uniform(0.4, 1.6)
        pair = (wood, wood * random.uniform(0.5, 0.85)) if kind == "planks" else (first, second)
        colour = shader.node(
            "TexBrick",
            Vector=place,
            Scale=float(random.uniform(3, 8)),
            Color1=pair[0],
            Color2=pair[1],
            Mortar=pair[1] * 0.3,
            Brick_Width=0.25 * length,
            Row_Height=0.25,
            Mortar_Size=0.01,
        )
    colour = shader.mix(shader.math("MULTIPLY", broad, 0.5), colour, first * 0.35)
    shader.principled(Base_Color=colour, Roughness=float(random.uniform(0.25, 0.9)))
    return shader.material


# The pattern's dark, its bright, and its patches.
_GROUNDS = {
    "grass": np.array([[0.03, 0.07, 0.015], [0.12, 0.19, 0.05], [0.16, 0.13, 0.06]]),
    "soil": np.array([[0.07, 0.045, 0.025], [0.2, 0.14, 0.09], [0.10, 0.12, 0.05]]),
    "sand": np.array([[0.45, 0.34, 0.2], [0.65, 0.52, 0.34], [0.38, 0.29, 0.18]]),
    "snow": np.array([[0.65, 0.68, 0.74], [0.85, 0.87, 0.9], [0.5, 0.47, 0.42]]),
    "asphalt": np.array([[0.05, 0.05, 0.052], [0.13, 0.13, 0.13], [0.09, 0.085, 0.08]]),
}
