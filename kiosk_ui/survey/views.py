"""The survey on a phone: two screens, the receipt, and the page of a link that was used already.

By a case's link (``/S/…``), the first answer is saved as a draft at once. The hall's code (``/C/…``) belongs to no
case, so there the first answer travels in the form until the answer is final.
"""

from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from feedback_service.errors import AlreadyAnswered, BegunElsewhere, Invalid
from feedback_service.flow import answers, receipts, uninvited_answers
from feedback_service.flow.answers import RecordedAnswer, SentAnswer, Survey
from feedback_service.i18n import current_language
from feedback_service.surveys.answers import COMMENT, require_some_answer
from feedback_service.surveys.questionnaires import LONGEST_COMMENT
from kiosk_ui.forms import FormError
from kiosk_ui.languages import set_available_languages, url_language
from kiosk_ui.pages import current_url, respond_with_page, source_of_visit
from kiosk_ui.survey.form import SurveyForm, is_read_by_person
from kiosk_ui.survey.screens import Preview, show_invalid_form, show_screen

bp = Blueprint("survey", __name__, template_folder="templates")


# --- a case's link ---


@bp.get("/s/<token>", strict_slashes=False)
@bp.get("/S/<token>", strict_slashes=False)
def ask(token: str) -> ResponseReturnValue:
    """Show the first screen, or the second if there is a draft. Looking does not use up the link."""
    survey = answers.open_survey(token, mark_opened=is_read_by_person())
    return show_screen(survey, is_second=survey.has_draft)


@bp.post("/s/<token>", strict_slashes=False)
@bp.post("/S/<token>", strict_slashes=False)
def answer(token: str) -> ResponseReturnValue:
    """Save the draft and show the second screen, or store the final answer.

    1. Read the form. If it only asks for a screen, show that.
       If the address asks for another language than Ukrainian, find out whether the centre offers it.
    2. Have the flow save the draft or store the final answer; it checks what was submitted.
    3. If something is invalid, show the same form with what to correct. If everything was answered on another page
       before, say that it stays.
    4. Go to the receipt if the answer is final, also if it was final before; else show the second screen.
    """
    form = SurveyForm.from_request()
    if form.is_redisplay:
        return show_again(answers.open_survey(token, mark_opened=False), form)
    if url_language():
        set_available_languages(answers.read_offered_languages(token))
    if not form.names_client:
        form = replace(form, client_id=answers.choose_unnamed_client(token, is_final=form.is_final))
    accept = answers.submit_answer if form.is_final else answers.save_draft
    try:
        outcome = accept(
            token,
            SentAnswer(
                client_id=form.client_id,
                submission=form.submission,
                language=current_language(),
                source="sms_viber" if source_of_visit() else "qr_case",
                replaces_all_but_first=form.is_second_screen,
            ),
        )
    except Invalid as error:
        return show_invalid_form(answers.open_survey(token, mark_opened=False), form, error)
    except BegunElsewhere as refusal:
        survey = answers.open_survey(token, mark_opened=False)
        taken = refusal.question_ids or {survey.questionnaire.first_question.id}
        survey = replace(survey, taken=frozenset(taken))
        return show_screen(survey, is_second=True, form=form, status=refusal.status)
    if isinstance(outcome, RecordedAnswer):
        return redirect_to_thanks(outcome)
    return show_screen(outcome, is_second=True, form=form)


# --- the hall's code ---


@bp.get("/c/<centre>", strict_slashes=False)
@bp.get("/C/<centre>", strict_slashes=False)
def ask_in_hall(centre: str) -> ResponseReturnValue:
    """Show the first screen to people who scan the code on the wall."""
    return show_screen(uninvited_answers.open_hall_survey(centre), is_second=False)


@bp.post("/c/<centre>", strict_slashes=False)
@bp.post("/C/<centre>", strict_slashes=False)
def answer_in_hall(centre: str) -> ResponseReturnValue:
    """Show the second screen, which carries the first answer along, or store the final answer."""
    form = SurveyForm.from_request()
    if url_language():
        set_available_languages(uninvited_answers.open_hall_survey(centre).centre.languages)
    try:
        if form.is_final:
            recorded = uninvited_answers.record_hall_answer(
                centre, client_id=form.client_id, submission=form.submission, language=current_language()
            )
            return redirect_to_thanks(recorded)
        survey = uninvited_answers.open_hall_survey(centre)
        if form.is_redisplay:
            return show_again(survey, form)
        require_some_answer(form.submission.read_answers(survey.questionnaire))
    except Invalid as error:
        return show_invalid_form(uninvited_answers.open_hall_survey(centre), form, error)
    return show_screen(survey, is_second=True, form=form)


def show_again(survey: Survey, form: SurveyForm) -> ResponseReturnValue:
    """Show the screen that the form asks for, and store nothing. The form keeps its client id."""
    return show_screen(survey, is_second=not form.wants_first_screen, form=form)


# --- afterwards ---


@bp.get("/r/<receipt>", strict_slashes=False)
@bp.get("/R/<receipt>", strict_slashes=False)
def thanks(receipt: str) -> ResponseReturnValue:
    """Show the receipt: what happens with the answer now. It may be opened any number of times."""
    return show_receipt(receipt)


@bp.post("/r/<receipt>", strict_slashes=False)
@bp.post("/R/<receipt>", strict_slashes=False)
def take_back(receipt: str) -> ResponseReturnValue:
    """Withdraw the answer, as its author asks with the button of the page. Any other form changes nothing."""
    if request.form.getlist("withdraw") != ["1"]:
        return show_receipt(receipt, is_refused=True)
    receipts.withdraw_answer(receipt)
    return redirect(current_url(), code=303)


def show_receipt(receipt: str, *, is_refused: bool = False) -> ResponseReturnValue:
    """Show the receipt; if a form was refused, with status 422 and how to take the answer back."""
    receipt_view = receipts.read_receipt(receipt)
    set_available_languages(receipt_view.centre.languages)
    message = _("Nothing was changed: only the button “Yes, delete my answer” takes an answer back.")
    return respond_with_page(
        "survey/thanks.html",
        422 if is_refused else 200,
        thanks=receipt_view,
        receipt=receipt,
        late="late" in request.args,
        taken="kept" in request.args,
        errors=[FormError(None, message)] if is_refused else [],
    )


@bp.post("/masked")
def preview_comment() -> ResponseReturnValue:
    """Show what would be masked in a comment. The text is not stored."""
    text = request.form.get(request.args.get("question", COMMENT), "")
    limit = request.args.get("limit", LONGEST_COMMENT, type=int)
    return render_template("survey/masked.html", preview=Preview.of(text, min(limit, LONGEST_COMMENT)))


def redirect_to_thanks(recorded: RecordedAnswer) -> ResponseReturnValue:
    """Redirect to the receipt, which may be reloaded without harm."""
    late, kept = (1 if is_true else None for is_true in (recorded.was_abandoned, recorded.others_stay))
    receipt_url = url_for("survey.thanks", receipt=recorded.receipt, lang=url_language(), late=late, kept=kept)
    return redirect(receipt_url, code=303)


@bp.errorhandler(AlreadyAnswered)
def handle_used_invitation(error: AlreadyAnswered) -> ResponseReturnValue:
    """Return the page that says on which day the link was used; status 409 to a form, 200 to a look."""
    is_refused = request.method == "POST"
    return respond_with_page("survey/answered.html", 409 if is_refused else 200, on=error.on, is_refused=is_refused)
