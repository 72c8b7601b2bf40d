"""The bones of those who act in a clip."""

import numpy as np
import torch

from isa_engine.body.fitting.keypoints import HEAD, face_points
from isa_engine.body.model.axes import to_world
from isa_engine.data.rendering.filming import Actor
from isa_engine.data.surfaces.skinned import SkinnedSurface


def skeleton(surface: SkinnedSurface, actor: Actor) -> np.ndarray:
    """The joints and face points of an actor, ``(F, 60, 3)`` float32, world (``shot.Character.skeleton``).

    Args:
        surface: of the actor's body.
    """
    rest = surface.joints + surface.joint_directions[..., : len(actor.betas)] @ actor.betas
    rotation, place = surface.placed_joints(rest, actor.rotations)
    face = torch.as_tensor(face_points(rest.cpu().numpy())).to(rest) - rest[HEAD]
    face = place[:, None, HEAD] + torch.einsum("fab,kb->fka", rotation[:, HEAD], face)
    joints = torch.cat([place, face], 1) + actor.translation[:, None]
    return to_world(joints.cpu().numpy()).astype(np.float32)
