"""Simulates a worn receipt printer and a phone that scans in a hurry.

Every round draws its misfortunes from a seeded generator, so a round that fails can be looked at again.
"""

from dataclasses import asdict, dataclass
from math import hypot

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Grey = NDArray[np.float64]  # 0 is black, 1 is white

PAPER_BRIGHTNESS = 1.0
MIN_BLUR_DOTS = 0.8  # dots: heat spreads on paper, and no lens is perfect


@dataclass(frozen=True)
class Damage:
    """What happens to a picture; lengths are in printer dots, the rest are shares of 1, the angle in degrees."""

    dead_columns: float = 0.0  # heater dots that never burn: white lines along the paper
    fading: float = 0.0  # darkness lost where the battery or the roller was weakest
    dropped: float = 0.0  # single dots missing where the print is weakest
    spot: float = 0.0  # diameter of a rubbed-off disc, as a share of the picture's width
    blur: float = 0.0  # standard deviation of the lens
    contrast: float = 0.0  # of the span between paper and print lost to bad light
    noise: float = 0.0  # standard deviation of the camera's grain
    angle: float = 0.0  # the phone is turned by up to so much either way

    def scale_by(self, factor: float) -> "Damage":
        """Return the same misfortunes, each ``dose`` times as bad; shares stop at 0.97."""
        scaled_values = {name: value * factor for name, value in asdict(self).items()}
        capped_values = {
            name: value if name in ("blur", "angle") else min(value, 0.97) for name, value in scaled_values.items()
        }
        return Damage(**capped_values)


# A printer overdue for repair and a phone in poor light. Modules of 6 dots were read in 296 of 300 rounds within five
# frames (247 in the first), none in 60 at twice the damage; modules of 4 dots in 49 of 60.
WORN_PRINT = Damage(
    dead_columns=0.02, fading=0.4, dropped=0.05, spot=0.04, blur=1.5, contrast=0.4, noise=0.02, angle=15
)


def scan_print(picture: Image.Image, damage: Damage, seed: int, frames: int = 5) -> str | None:
    """Return what a phone reads from a worn print within so many frames; None if it reads nothing."""
    rng = np.random.default_rng(seed)
    printed = _print_picture(picture, damage, rng)
    for _ in range(frames):
        if texts := read_qr_codes(_photograph_print(printed, damage, rng)):
            return texts[0]
    return None


def read_qr_codes(picture: Image.Image) -> list[str]:
    """Return the text of every QR code a decoder finds in one frame."""
    barcodes = zxingcpp.read_barcodes(
        picture.convert("L"), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    return [code.text for code in barcodes]


def _print_picture(picture: Image.Image, damage: Damage, rng: np.random.Generator) -> Grey:
    ink = (np.asarray(picture.convert("L")) < 128).astype(np.float64)
    height, width = ink.shape
    ink[:, rng.random(width) < damage.dead_columns] = 0.0
    # Darkness swells and sinks a few times along the paper.
    phase = np.linspace(0.0, 2 * np.pi * rng.uniform(1, 4), height) + rng.uniform(0, 2 * np.pi)
    weakness = (1 + np.sin(phase)) / 2
    ink[rng.random((height, width)) < damage.dropped * weakness[:, None]] = 0.0
    ink *= 1 - damage.fading * weakness[:, None]
    y, x = np.ogrid[:height, :width]
    rubbed_off = np.hypot(y - rng.uniform(0, height), x - rng.uniform(0, width)) < damage.spot * width / 2
    ink[rubbed_off] = 0.0
    return PAPER_BRIGHTNESS - ink


def _photograph_print(printed: Grey, damage: Damage, rng: np.random.Generator) -> Image.Image:
    zoom = rng.uniform(1.3, 2.2)  # camera pixels a printer dot
    photo = Image.fromarray((printed * 255).astype(np.uint8))
    photo = photo.resize((round(photo.width * zoom), round(photo.height * zoom)), Image.Resampling.BICUBIC)
    angle = rng.uniform(-damage.angle, damage.angle)
    photo = photo.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    photo = photo.filter(ImageFilter.GaussianBlur(hypot(MIN_BLUR_DOTS, damage.blur) * zoom))
    pixels = np.asarray(photo).astype(np.float64) / 255
    # Light falls off to one side; bad light lifts the black and dims the white.
    shade = 1 - 0.3 * np.linspace(0, 1, pixels.shape[1])[None, :]
    pixels = (damage.contrast / 2 + (1 - damage.contrast) * pixels) * shade
    pixels += rng.normal(0, damage.noise, pixels.shape) if damage.noise else 0.0
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
