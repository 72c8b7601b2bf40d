"""Models with open weights that can be fetched by name: name → the repository of Hugging Face of their
makers."""

SOURCES = {
    "wan-vace-1.3b": "Wan-AI/Wan2.1-VACE-1.3B-diffusers",
    "wan-vace-14b": "Wan-AI/Wan2.1-VACE-14B-diffusers",
}
