"""One measure a module, of videos and latents: how well they obey, how well they look."""
