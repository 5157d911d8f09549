"""The HTML door: all pages. The kiosk, the tablet of the hall, is only its package ``kiosk``.

survey      the survey on a phone, from a case's link or the hall's code; QR codes and slips as images
public      the first page, a centre's figures and poster, the privacy notice, the accessibility statement
kiosk       the tablet's page, which works without a network, and its service worker
admin       the administration, for people who run centres
errors      errors as pages
page_cache  pages that are rendered once and filled in for each reader
pages       what all pages share: rendering, headers, limits of forms
forms       mistakes and refusals as messages
languages   the language of a page, and how it writes days and numbers
charts      the charts
svg         elements of SVG images
assets      style sheets and scripts
"""

from pathlib import Path

from flask import Flask

from kiosk_ui import admin, assets, errors, languages, pages
from kiosk_ui.kiosk import views as kiosk_views
from kiosk_ui.public import views as public_views
from kiosk_ui.survey import images
from kiosk_ui.survey import views as survey_views

TRANSLATIONS = Path(__file__).parent / "translations"


def register(app: Flask) -> None:
    """Register all pages; they answer every address outside ``/api``."""
    languages.register(app)
    pages.register(app)
    app.register_blueprint(assets.bp)
    app.register_blueprint(survey_views.bp)
    app.register_blueprint(images.bp)
    app.register_blueprint(public_views.bp)
    app.register_blueprint(kiosk_views.bp)
    admin.register(app)
    errors.register(app)


def preload_pages(app: Flask) -> None:
    """Load templates and languages of the public pages now, so that forked workers share them and no reader waits."""
    for template in app.jinja_env.list_templates(filter_func=_is_public_template):
        app.jinja_env.get_template(template)
    with app.app_context():
        languages.preload_languages()


def _is_public_template(template: str) -> bool:
    return template.endswith(".html") and not template.startswith(("admin/", "api/"))
