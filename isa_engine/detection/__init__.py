"""People in foreign pictures and footage, found by a detector where it can do no harm.

``networks`` are MediaPipe's, which see one person at a time. ``crops`` chooses the parts of a picture that
they are shown, and ``people`` makes sightings of their answers; ``tracking`` follows people through a video.
``process`` runs all this in a process of limited rights, in an environment of its own; ``detector`` asks that
process.
"""
