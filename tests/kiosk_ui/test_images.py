"""An invitation as an image: a QR code of any allowed size, a slip as wide as its paper."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from PIL import Image

Invited = Callable[..., str]


def test_a_qr_code_comes_as_wide_as_a_printer_needs_it(client: FlaskClient, invited: Invited) -> None:
    path = invited()

    widths = {
        dots: Image.open(BytesIO(client.get(f"{path}/qr.png{query}").data)).width
        for dots, query in ((6, ""), (1, "?dots=1"), (20, "?dots=20"))
    }

    modules = widths[1]
    assert widths == {1: modules, 6: 6 * modules, 20: 20 * modules}


@pytest.mark.parametrize("dots", ["0", "21", "-1", "6.0", "", "06", "٦", "9" * 5000], ids=lambda dots: dots[:5])
def test_no_other_width_is_drawn(client: FlaskClient, invited: Invited, dots: str) -> None:
    assert client.get(f"{invited()}/qr.png?dots={dots}").status_code == 422


@pytest.mark.parametrize("lang", ["uk", "en"])
@pytest.mark.parametrize(("name", "width"), [("slip-58.png", 384), ("slip-80.png", 576)])
def test_a_slip_is_as_wide_as_its_paper(
    client: FlaskClient, invited: Invited, name: str, width: int, lang: str
) -> None:
    slip = Image.open(BytesIO(client.get(f"{invited()}/{name}?lang={lang}").data))

    assert (slip.mode, slip.width) == ("1", width)
