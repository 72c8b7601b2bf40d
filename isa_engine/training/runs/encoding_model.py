"""The model that a run trains, with the autoencoder that it learns on."""

from pathlib import Path

from isa_engine.configuration import autoencoder_folder, model_config
from isa_engine.errors import ModelError
from isa_engine.pipeline.isa.model import Model, build_model
from isa_engine.training.configuration import DiTTraining, GateTraining


def encoding_model(settings: DiTTraining | GateTraining, device: str) -> Model:
    """A model that can encode clips: its autoencoder and matte head are trained, its other networks random.

    Raises:
        ModelError: the autoencoder is not trained.
    """
    folder = Path(settings.autoencoder) if settings.autoencoder else autoencoder_folder(settings.model)
    if folder is None:
        problem = f"the autoencoder of '{settings.model}' is not trained"
        remedy = "Train it first (isa-engine train vae), and name its folder there."
        raise ModelError(problem, where="autoencoder", remedy=remedy)
    return build_model(model_config(settings.model), folder, device, read=("vae", "matte_head"))
