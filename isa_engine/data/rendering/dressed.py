"""People with faces and clothes that stand off them, sampled where a camera sees them.

F frames, V vertices and N faces of a dressed body, S samples of everybody, P of them as they are drawn.
"""

import numpy as np
import torch
from torch import Tensor

from isa_engine.body.model.axes import TO_WORLD
from isa_engine.body.model.wardrobe import PARTS as WARDROBE
from isa_engine.body.model.wardrobe import DressedBody
from isa_engine.data.rendering.cast import Actor
from isa_engine.data.rendering.figures import Drawing
from isa_engine.data.surfaces.skinned import PARTS, Patch, SkinnedSurface, even_surface_points
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project

_HEAD, _HANDS = (15, 22, 23, 24), (20, 21, *range(25, 55))
_OPEN = (PARTS.index("skirt"), PARTS.index("hair"))
# Samples for each pixel that a face of the mesh covers where it is largest, and the most for everybody.
_DENSITY, _MOST = 1.25, 1_500_000
# The golden ratios of two dimensions: multiples of them spread evenly over a square.
_GOLDEN = (0.7548776662466927, 0.5698402909980532)
# Samples that stand for each whole part where shadows are computed.
_STAND_INS = (4096, 384, 384, 1024, 384, 0)
# How much folds tilt a normal where a limb is straight, and how much more for a radian that it is bent.
_STRAIGHT, _BENT = 0.3, 0.45


class DressedSurface:
    """A dressed body's mesh on a device.

    Attributes:
        vertices: skinned as samples.
        faces: ``(N, 3)`` vertices of each.
        part: ``(N,)`` of ``PARTS``.
        open: ``(N,)`` bool, of faces whose inside may be seen.
        stand_ins: where evenly spread samples lie: vertices and shares, both ``(T, 3)``.
    """

    def __init__(self, dressed: DressedBody, device: torch.device | str = "cpu"):
        mesh, count = dressed.mesh, len(dressed.mesh.v_template)
        corners = np.repeat(np.arange(count)[:, None], 3, 1)
        self.vertices = SkinnedSurface(mesh, corners, np.full((count, 3), 1 / 3), device)
        limb = mesh.weights[mesh.faces].sum(1).argmax(1)
        part = np.where(np.isin(limb, _HEAD), 1, np.where(np.isin(limb, _HANDS), 2, 0))
        for number, name in enumerate(WARDROBE):
            of = PARTS.index("teeth" if name.endswith("teeth") else name)
            part[dressed.part_of_face == number] = of
        self.faces = torch.as_tensor(mesh.faces, dtype=torch.int64, device=device)
        self.part = torch.as_tensor(part, device=device)
        self.open = torch.isin(self.part, self.part.new_tensor(_OPEN))
        of_vertex = torch.zeros(count, dtype=torch.int64, device=device)
        of_vertex[self.faces] = self.part[:, None]
        template = self.vertices.patch
        self.patch = Patch(template.place, template.normals, template.limb, of_vertex)
        placed = [
            even_surface_points(mesh.v_template, mesh.faces[part == number], samples)
            for number, samples in enumerate(_STAND_INS)
        ]
        self.stand_ins = (
            torch.as_tensor(np.concatenate([corners for corners, _ in placed]), device=device),
            torch.as_tensor(np.concatenate([shares for _, shares in placed]), device=device).float(),
        )

    @property
    def template(self) -> Tensor:
        """``(V, 3)`` vertices at rest."""
        return self.vertices.template


class DressedCast:
    """Everybody's surfaces as samples: for each face of a mesh about as many as it covers pixels.

    Args and attributes: as of ``cast.BodyCast``, but ``in_sight`` ``(F, S)`` says which samples face the
    camera on which frames, and none is turned away.
    """

    turned_away = None

    def __init__(
        self,
        skin: DressedSurface,
        actors: list[Actor],
        camera: tuple[np.ndarray, np.ndarray],
        height: int,
        width: int,
    ):
        self.skin, self.actors, device = skin, actors, skin.faces.device
        mvp = torch.as_tensor(modelview_projection(*camera), dtype=torch.float32, device=device)
        self.posed = [self._posed(actor) for actor in actors]
        points, in_sight, self.faces, self.shares, stand_ins = [], [], [], [], []
        for actor, (vertices, _) in zip(actors, self.posed, strict=True):
            facing, area = self._faces_in_sight(vertices, mvp, height, width)
            if actor.look.worn is not None:
                area = area * actor.look.worn(skin.patch)[skin.faces].any(1)
            face, shares = self._worn(actor, *_spread(area * _DENSITY))
            points.append(_between(vertices, skin.faces[face], shares))
            in_sight.append(facing[:, face])
            self.faces.append(face)
            self.shares.append(shares)
            stand_ins.append(self._stand_ins(actor, vertices))
        self.points, self.in_sight = torch.cat(points, 1), torch.cat(in_sight, 1)
        self.stand_ins = torch.cat(stand_ins, 1)
        counts = torch.tensor([len(face) for face in self.faces], device=device)
        self.owner = torch.arange(len(actors), device=device).repeat_interleave(counts)

    def surfaces(self, drawing: Drawing) -> tuple[Tensor, Tensor]:
        """As ``BodyCast.surfaces``; normals are tilted by folds."""
        seen = torch.zeros(len(self.owner), dtype=torch.bool, device=self.owner.device)
        seen[drawing.shown] = True
        colours, normals = (torch.empty(len(drawing.shown), 3, device=seen.device) for _ in range(2))
        owner, start = self.owner[drawing.shown], 0
        for number, (actor, face, shares) in enumerate(
            zip(self.actors, self.faces, self.shares, strict=True)
        ):
            end = start + len(face)
            index = seen[start:end].nonzero()[:, 0]
            patch = self._patch(face[index], shares[index])
            row = torch.empty(len(face), dtype=torch.int64, device=face.device)
            row[index] = torch.arange(len(index), device=face.device)
            own = slice(None) if len(self.actors) == 1 else (owner == number).nonzero()[:, 0]
            frame, sample = drawing.frame[own], drawing.shown[own] - start
            colours[own] = actor.look.colour(patch)[row[sample]]
            normals[own] = self._normals(number, patch, frame, sample, row, drawing.towards_camera[own])
            start = end
        return colours, normals

    def _normals(
        self, number: int, patch: Patch, frame: Tensor, sample: Tensor, row: Tensor, towards_camera: Tensor
    ) -> Tensor:
        """Of one actor's samples as they are drawn, ``(P, 3)``."""
        actor, of_vertex = self.actors[number], self.posed[number][1]
        corners, shares = self.skin.faces[self.faces[number][sample]], self.shares[number][sample]
        normals = sum(of_vertex[frame, corners[:, c]] * shares[:, c, None] for c in range(3))
        inside = self.skin.open[self.faces[number][sample]] & ((normals * towards_camera).sum(-1) < 0)
        normals = torch.where(inside[:, None], -normals, normals)
        if actor.look.relief is not None:
            slopes = actor.look.relief(patch)
            folded = (slopes != 0).any(-1)[row[sample]].nonzero()[:, 0]
            of_patch = row[sample[folded]]
            creases = self._creases(actor)[frame[folded], patch.limb[of_patch]]
            normals[folded] += (creases @ slopes[of_patch, :, None])[..., 0]
        return torch.nn.functional.normalize(normals, dim=-1)

    def _posed(self, actor: Actor) -> tuple[Tensor, Tensor]:
        """Vertices and their normals, both ``(F, V, 3)``."""
        look, patch = actor.look, self.skin.patch
        points, normals = self.skin.vertices.pose(
            actor.betas,
            actor.rotations,
            actor.translation,
            look.thickness(patch),
            expression=actor.expression,
        )
        if look.hanging is not None and len(points) > 1:
            lag = look.hanging(patch)
            free = (lag > 0).nonzero()[:, 0]
            (velocity,) = torch.gradient(actor.translation @ torch.as_tensor(TO_WORLD.T).to(lag), dim=0)
            # At most a third of a metre, however fast somebody runs.
            points[:, free] -= velocity.clamp(-0.12, 0.12)[:, None] * lag[free, None]
        return points, normals

    def _faces_in_sight(
        self, vertices: Tensor, mvp: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """Which faces may be drawn on which frames ``(F, N)``, and the most pixels that each covers
        ``(N,)``."""
        ndc, in_front = project(vertices, mvp)
        corners = self.skin.faces.T
        x, y = ((ndc[..., axis])[:, corners] for axis in (0, 1))
        doubled = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
        inside = (x.amin(1) < 1) & (x.amax(1) > -1) & (y.amin(1) < 1) & (y.amax(1) > -1)
        # Nobody sees the whole of a face that is larger than the picture.
        area = (doubled.abs() / 2).clamp(max=4.0) * (width * height / 4)
        seen = ((doubled > 0) | self.skin.open) & inside & in_front[:, corners].all(1)
        return seen, (area * seen).amax(0)

    def _worn(self, actor: Actor, face: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """The samples without those beyond a hem or the ends of hair, which may lie anywhere in the mesh."""
        if actor.look.worn is None:
            return face, shares
        ending = self.skin.open[face].nonzero()[:, 0]
        there = torch.ones(len(face), dtype=torch.bool, device=face.device)
        there[ending] = actor.look.worn(self._patch(face[ending], shares[ending]))
        return face[there], shares[there]

    def _patch(self, face: Tensor, shares: Tensor) -> Patch:
        """Samples at rest."""
        corners, at = self.skin.faces[face], self.skin.patch
        place, normals = (
            sum(values[corners[:, c]] * shares[:, c, None] for c in range(3))
            for values in (at.place, at.normals)
        )
        limbs = at.limb[corners]
        limb = limbs[:, 0]
        # Where limbs meet within a face, weights tell on which a sample lies.
        mixed = (limbs != limb[:, None]).any(1).nonzero()[:, 0]
        weights = self.skin.vertices.weights[corners[mixed]] * shares[mixed, :, None]
        return Patch(place, normals, limb.index_put((mixed,), weights.sum(1).argmax(1)), self.skin.part[face])

    def _stand_ins(self, actor: Actor, vertices: Tensor) -> Tensor:
        corners, shares = self.skin.stand_ins
        if actor.look.worn is not None:
            worn = actor.look.worn(self.skin.patch[corners[:, 0]])
            corners, shares = corners[worn], shares[worn]
        return _between(vertices, corners, shares)

    def _creases(self, actor: Actor) -> Tensor:
        """``(F, J, 3, 3)``: turns slopes at rest with their limb, and deepens them where it or the next one
        is bent."""
        surface = self.skin.vertices
        rotation, _ = surface.placed_joints(surface.joints, actor.rotations)
        bend = actor.rotations.norm(dim=-1)
        for children, parents in surface.generations[1:]:
            bend = bend.scatter_reduce(1, parents.expand(len(bend), -1), bend[:, children], "amax")
        depth = _STRAIGHT + _BENT * bend.clamp(max=2.0)
        return torch.as_tensor(TO_WORLD).to(rotation) @ rotation * depth[..., None, None]


def _spread(wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Samples for faces that want so many ``(N,)``: where they lie depends on nothing but their own face.

    Returns:
        The face of each sample ``(S,)``, and the shares ``(S, 3)`` of its corners.
    """
    number = torch.arange(len(wanted), device=wanted.device)
    # In double precision: the multiples are large, and only their fractions count.
    wanted = wanted.double() * min(1.0, _MOST / max(float(wanted.sum()), 1.0))
    # Of ten faces that want 2.3 samples, three get three and seven two.
    counts = (wanted + (number.double() * _GOLDEN[0]).frac()).long()
    face = number.repeat_interleave(counts)
    within = torch.arange(len(face), device=face.device) - (counts.cumsum(0) - counts)[face]
    u, v = (((within + 31 * face).double() * golden).frac().float() for golden in _GOLDEN)
    outside = u + v > 1
    u, v = torch.where(outside, 1 - u, u), torch.where(outside, 1 - v, v)
    return face, torch.stack([1 - u - v, u, v], 1)


def _between(vertices: Tensor, corners: Tensor, shares: Tensor) -> Tensor:
    """Points ``(F, S, 3)`` between vertices ``(F, V, 3)``."""
    planes = vertices.permute(2, 0, 1)
    return sum(planes[..., corners[:, c]] * shares[:, c] for c in range(3)).permute(1, 2, 0)
