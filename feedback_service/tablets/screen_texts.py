"""All sentences on a tablet's screen beside the questions; the tablet stores them for work without connection."""

from flask_babel import force_locale, gettext

from feedback_service.errors import N_

TEXTS = {
    "title": N_("Rate the service"),
    "anonymous": N_("Half a minute, anonymous: no name, no phone number."),
    "rate_hall": N_("You are rating the centre, without a case"),
    "your_case": N_("Your case, just completed"),
    "by_code": N_("The case from your slip"),
    "have_code": N_("I have a slip with a code: rate my case"),
    "desk_waits": N_("Once your case is completed, you can rate it right here"),
    "enter_code": N_("The code from your slip"),
    "code_hint": N_("Eight characters after %(prefix)s"),
    "code_wrong": N_("There is no such code. Compare it with the slip."),
    "code_spent": N_("An answer was already left by this code."),
    "code_closed": N_("This code no longer works."),
    "code_wait": N_("Too many wrong codes. You can rate the centre without a code."),
    "no_slip": N_("I have no slip"),
    "delete": N_("Delete the last character"),
    "go_on": N_("Continue"),
    "back": N_("Back"),
    "skip": N_("Skip"),
    "next": N_("Next"),
    "finish": N_("Send the answer"),
    "start_again": N_("Start again"),
    "larger": N_("Larger text"),
    "contrast": N_("More contrast"),
    "language": N_("Language"),
    "settings": N_("How the screen looks"),
    "progress": N_("Question %(number)d of %(total)d"),
    "still_here": N_("Are you still here?"),
    "still_here_more": N_("Otherwise what you chose will be deleted in 20 seconds."),
    "yes": N_("Yes, I am here"),
    "thanks": N_("Thank you!"),
    "thanks_more": N_("Your answer is kept. It helps this centre to serve people better."),
    "done": N_("Done"),
    "help": N_("This tablet needs help"),
    "help_more": N_("It cannot keep answers just now. Please tell the staff, or rate with your phone:"),
    "not_kept": N_("Your answer could not be kept."),
    "not_sure": N_("It is not certain that your answer was kept."),
    "closing": N_("This tablet has been switched off by the centre."),
    "pair": N_("Connect this tablet"),
    "pair_by_code": N_("Pairing code"),
    "pair_button": N_("Connect"),
    "pair_shown": N_("Or approve it: open this address, sign in, and compare the code"),
    "pair_offline": N_("The service does not answer. Check the connection; the tablet tries again by itself."),
    "held": N_("Answers that this tablet holds: %(count)d"),
    "staff": N_("For the staff"),
    "staff_tablet": N_("Tablet"),
    "staff_line": N_("Connection"),
    "staff_line_up": N_("the service answers"),
    "staff_line_down": N_("the service does not answer"),
    "staff_waiting": N_("Answers waiting"),
    "staff_oldest": N_("Oldest of them"),
    "staff_refused": N_("Refused by the service"),
    "staff_storage": N_("Storage"),
    "staff_persisted": N_("promised by the browser"),
    "staff_not_persisted": N_("not promised by the browser"),
    "staff_version": N_("Version"),
    "send_now": N_("Send now"),
    "save": N_("Save the waiting answers to a file"),
    "close": N_("Close"),
}


def translate_texts(language: str) -> dict[str, str]:
    """Return all sentences in one language, by name."""
    with force_locale(language):
        return {name: gettext(sentence) for name, sentence in TEXTS.items()}
