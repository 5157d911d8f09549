"""QR codes: the same address in every form, whole printer dots, and readable after a bad print or photograph."""

import re
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

from feedback_service.printing import qr
from tests.support.printer import WORN_PRINT, Damage, read_qr_codes, scan_print

ADDRESS = "https://vidhuk.gov.ua/s/" + "a7q2" * 6 + "zz"
ADDRESSES = [
    ADDRESS,
    "http://127.0.0.1:8000/S/" + "MZXW6YTBOI234567ABCDEFGHIJ",
    "https://feedback.cnap-kamianets-podilskyi.example.gov.ua/S/" + "7" * 26,
    "https://vidhuk.gov.ua/C/SN12000007",
    "https://vidhuk.gov.ua/S/" + "QRST" * 6 + "UV?via=sms",
]


def picture(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png))


def modules(address: str) -> NDArray[np.bool_]:
    """Return the modules; light is True."""
    return np.asarray(picture(qr.render_png(address, 1)))


def rasterised(svg: bytes) -> NDArray[np.bool_]:
    """Draw the outlines, one pixel a unit; light is True."""
    root = ElementTree.fromstring(svg)
    side = int(root.attrib["viewBox"].split()[2])
    inside = np.zeros((side, side), dtype=bool)
    x = y = start_x = start_y = 0
    for command, numbers in re.findall(r"([Mhvz])([-\d ]*)", root[2].attrib["d"]):
        from_y = y
        if command == "M":
            x, y = start_x, start_y = [int(number) for number in numbers.split()]
            continue
        if command == "h":
            x += int(numbers)
        elif command == "v":
            y += int(numbers)
        else:
            x, y = start_x, start_y
        # Crossing an upright side turns all that lies to the right of it inside out.
        inside[min(from_y, y) : max(from_y, y), x:] ^= True
    return ~inside


def drawn(blocks: str) -> Image.Image:
    """Draw the half blocks, one pixel for each half."""
    halves = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in blocks.splitlines()]
    rows = [[halves[block][half] for block in line] for line in lines for half in (0, 1)]
    return Image.fromarray(np.array(rows, dtype=np.uint8))


@pytest.mark.parametrize("address", ADDRESSES)
def test_picture_outlines_and_terminal_carry_the_same_address(address: str) -> None:
    outlines = Image.fromarray(rasterised(qr.render_svg(address)))
    shown = [
        read_qr_codes(form) for form in (picture(qr.render_png(address)), outlines, drawn(qr.render_terminal(address)))
    ]
    assert shown == [["".join(qr.split_address(address))]] * 3


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_outlines_enclose_exactly_the_dark_modules(address: str) -> None:
    assert np.array_equal(rasterised(qr.render_svg(address)), modules(address))


@pytest.mark.parametrize("dots", range(1, 21))
def test_every_module_is_a_square_of_whole_printer_dots(dots: int) -> None:
    dotted = np.asarray(picture(qr.render_png(ADDRESS, dots)))
    assert np.array_equal(dotted, np.kron(modules(ADDRESS), np.ones((dots, dots), dtype=bool)))
    assert read_qr_codes(picture(qr.render_png(ADDRESS, dots))) == ["".join(qr.split_address(ADDRESS))]


@pytest.mark.parametrize("dots", [-1, 0, 21, 1000])
def test_no_other_size_of_a_module_is_drawn(dots: int) -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        qr.render_png(ADDRESS, dots)


@pytest.mark.parametrize("address", ADDRESSES)
def test_four_light_modules_surround_the_code_and_no_more(address: str) -> None:
    dark_rows, dark_columns = np.nonzero(~modules(address))
    side = len(modules(address))
    assert {
        dark_rows.min(),
        dark_columns.min(),
        side - 1 - dark_rows.max(),
        side - 1 - dark_columns.max(),
    } == {4}


def test_the_picture_has_one_bit_a_dot_and_prints_at_its_true_size() -> None:
    code = picture(qr.render_png(ADDRESS))
    assert code.mode == "1"
    assert code.size == (270, 270)
    assert code.info["dpi"] == pytest.approx((203.2, 203.2))


@pytest.mark.parametrize(
    ("host_length", "version"),
    [(4, 4), (7, 4), (8, 5), (13, 5), (14, 5), (21, 5), (22, 6), (27, 6), (28, 6), (42, 6), (43, 7)],
)
def test_small_letters_in_the_scheme_alone_keep_the_code_small_with_the_highest_correction(
    host_length: int, version: int
) -> None:
    address = f"https://{'a' * host_length}/S/{'A7Q2' * 6}ZZ"

    (code,) = zxingcpp.read_barcodes(picture(qr.render_png(address)).convert("L"))

    # With every character as a byte, level H would need version 5 for a host of 4 letters and 8 for 28.
    assert (code.ec_level, len(modules(address))) == ("H", 17 + 4 * version + 8)
    assert code.text == f"https://{'A' * host_length}/S/{'A7Q2' * 6}ZZ"


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https", "http"])
def test_a_camera_reads_the_scheme_in_small_letters_however_it_was_written(scheme: str) -> None:
    code = picture(qr.render_png(f"{scheme}://vidhuk.gov.ua/s/ab"))

    assert read_qr_codes(code) == [f"{scheme.lower()}://VIDHUK.GOV.UA/S/AB"]


def test_only_what_the_server_reads_in_either_case_is_put_in_capitals() -> None:
    assert "".join(qr.split_address("http://Host:8000/s/ab?via=sms#top")) == "http://HOST:8000/S/AB?via=sms#top"


@pytest.mark.parametrize(
    "address",
    ["", "vidhuk.gov.ua/S/AB", "https://", "https://відгук.укр/S/AB", "https://a b/S", "https://a/S/A\n"],
)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        qr.render_svg(address)


def test_the_drawing_is_named_and_needs_no_style() -> None:
    root = ElementTree.fromstring(qr.render_svg(ADDRESS, title="Код «A» & <b>"))
    assert root[0].text == "Код «A» & <b>"
    assert root.attrib["role"] == "img"
    assert not {"width", "height", "style"} & root.attrib.keys()
    assert [child.tag.partition("}")[2] for child in root] == ["title", "path", "path"]
    assert len(qr.render_svg(ADDRESS)) < 4000


def test_the_terminal_shows_black_on_white_within_80_columns() -> None:
    lines = qr.render_terminal(ADDRESS).splitlines()
    assert all(line.startswith("\x1b[38;5;231;48;5;16m") and line.endswith("\x1b[0m") for line in lines)
    assert drawn(qr.render_terminal(ADDRESS)).width == 45
    assert len(lines) == 23


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [Damage(blur=2), Damage(fading=0.6), Damage(angle=15)], ids=["blur", "fading", "angle"]
)
def test_blur_of_a_third_of_a_module_fading_and_15_degrees_are_each_read_at_once(damage: Damage) -> None:
    code = picture(qr.render_png(ADDRESS))
    assert {scan_print(code, damage, seed, frames=1) for seed in range(60)} == {"".join(qr.split_address(ADDRESS))}


@pytest.mark.slow
def test_all_of_it_together_is_read_within_five_frames_19_times_of_20() -> None:
    code = picture(qr.render_png(ADDRESS))
    seen = [scan_print(code, WORN_PRINT, seed) for seed in range(60)]
    assert seen.count("".join(qr.split_address(ADDRESS))) >= 57
    assert set(seen) <= {"".join(qr.split_address(ADDRESS)), None}


@pytest.mark.slow
def test_twice_the_damage_hides_the_code_so_the_rig_can_fail() -> None:
    code = picture(qr.render_png(ADDRESS))
    assert [scan_print(code, WORN_PRINT.scale_by(2), seed) for seed in range(20)].count(None) >= 18
