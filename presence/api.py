"""The REST door to presence."""

from collections.abc import Sequence
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from localroots_chat.accounts.authentication import asker
from localroots_chat.described import describe, words
from localroots_chat.gateway.threads import on_serving_loop
from localroots_chat.rest import Listed
from presence.attendance import attendance
from presence.checks import PEOPLE_MOST, StatusShape, each_once, statuses
from presence.contacts import contacts_of
from presence.leases import Seen

IDS_CHARACTERS: Final = PEOPLE_MOST * 129


class PresenceView(APIView):
    """Who is online."""

    @describe(
        gives={200: Listed[StatusShape]},
        query=[words("ids", "Ids of people, with commas between.", most=IDS_CHARACTERS, required=True)],
    )
    def get(self, request: Request) -> Response:
        """See who of these people is online, as by presence:check.

        Known of people with whom one shares a direct conversation or a group of at most 200; of all others the answer
        is that they are offline. `online` is null where nobody knows right now.
        """
        asked = each_once(request.GET.get("ids", "").split(","), "ids")
        user = asker(request)
        contacts = contacts_of(user.pk, user.public_id, asked)

        async def look() -> Seen | None:
            return await attendance().look([one.key for one in contacts.values()])

        found: Sequence[StatusShape] = statuses(asked, contacts, on_serving_loop(look))
        return Response(Listed(found, None))
