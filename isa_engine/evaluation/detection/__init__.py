"""How well people are found and posed in pictures and videos, against poses that are known."""
