"""The HTML door: everything that a person sees.

survey     the two screens on a phone, the hall's code, thanks; QR codes and slips as images
public     the way in, a centre's figures and poster, the privacy notice, the accessibility statement
kiosk      the hall's tablet: a shell that works without a line, and the worker that keeps it
admin      what people who run centres see and do, behind a sign-in
errors     every refusal as a page in plain words
page_cache  pages drawn once and filled in for each reader
pages      what every page shares: one page or a piece of it, headers
languages  which language a page is in, how days and numbers are written
charts     charts as SVG
assets     style sheets and scripts
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
    """Everything under addresses outside ``/api`` answers in pages."""
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
    """Read now what visitors' pages are drawn with: processes forked from here share it, and nobody waits for it."""
    for template in app.jinja_env.list_templates(filter_func=_is_visitor_template):
        app.jinja_env.get_template(template)
    with app.app_context():
        languages.preload_languages()


def _is_visitor_template(template: str) -> bool:
    return template.endswith(".html") and not template.startswith(("admin/", "api/"))
