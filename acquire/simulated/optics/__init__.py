"""From cells to the photo-electrons that a camera may expect: blur, planes, uneven light."""

from __future__ import annotations
