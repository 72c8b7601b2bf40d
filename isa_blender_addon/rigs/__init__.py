"""What scenes are staged with: SMPL-X rigs, motions on them, people that were tracked, the demo."""
