"""An example of a screen that asks a model: how likely a text is an insult, by alt-profanity-check.

A linear model of 1 MB, which comes with the package and needs no network; trained on English. For one text it takes
3.5 ms, for 200 together 4.3 (2 cores). A score knows no irony and no roosters, so what scores high waits for a
moderator and is not refused. Install it with the extra "scores".
"""

from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from localroots_chat.screening.screen import ALLOWED, Ruling, Screen, Text, Verdict


def by_scores() -> Screen:
    """The screen that holds what scores CHAT_SCREEN_SCORE or more, from 0 to 1. Raises ImproperlyConfigured."""
    try:
        from profanity_check import predict_prob
    except ImportError as error:
        raise ImproperlyConfigured(
            f'CHAT_SCREEN: scores need the extra "scores" ({error}): pip install alt-profanity-check'
        ) from error
    least = settings.CHAT_SCREEN_SCORE
    held = Ruling(Verdict.HOLD, "This may be hurtful. A moderator looks at it first.")

    def screen(texts: Sequence[Text]) -> Sequence[Ruling]:
        scores = predict_prob([text.content for text in texts])
        return [held if score >= least else ALLOWED for score in scores]

    screen([Text("the first one takes longer", "message", "content", "", 0)])
    return screen
