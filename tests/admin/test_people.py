"""People in the admin: adding them, shutting them out, and that staff cannot give themselves more rights."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import Group as RightsGroup
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from localroots_chat.accounts.models import SignIn, User
from localroots_chat.errors import ChatError
from localroots_chat.gateway.layer import Item, Revoked
from tests.admin.conftest import text_of

PASSWORD: Final = "green-beans-and-rye"
ADD: Final = "/admin/accounts/user/add/"


def page_of(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def password_page_of(user: User) -> str:
    return page_of(user).replace("change", "password")


def form_of(client: Client, path: str) -> dict[str, Any]:
    """What the page's form would send as it stands."""
    answer: Any = client.get(path)
    form = answer.context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    given = {name: value for name, value in values.items() if name != "password" and value not in (None, False)}
    return {name: [row.pk for row in value] if isinstance(value, list) else value for name, value in given.items()}


def save(client: Client, user: User, without: tuple[str, ...] = (), **changes: Any) -> User:
    """Opens the person's page, changes these fields and saves; the person as stored then."""
    sent = {name: value for name, value in form_of(client, page_of(user)).items() if name not in without} | changes
    answer: Any = client.post(page_of(user), sent)
    assert answer.status_code == 302, answer.context["errors"] if answer.context else answer
    return User.objects.get(pk=user.pk)


# Adding and editing


def test_somebody_added_with_a_password_can_sign_in(chief_at: Client) -> None:
    fields = {"username": "dora", "name": "Dora", "email": "", "role": "FARMER"}
    answer = chief_at.post(ADD, {**fields, "password1": PASSWORD, "password2": PASSWORD})
    dora = User.objects.get(username="dora")
    assert answer["Location"] == page_of(dora)
    assert (dora.name, dora.role, dora.is_staff) == ("Dora", "FARMER", False)
    assert dora.public_id
    assert Client().login(username="dora", password=PASSWORD)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"username": ""}, "This field is required."),
        ({"username": "CHIEF"}, "already exists"),
        ({"password2": "another-thing-entirely"}, "match"),
        ({"password1": "password", "password2": "password"}, "too common"),
        ({"password1": "", "password2": ""}, "This field is required."),
    ],
)
def test_nobody_is_added_with_a_bad_name_or_password(chief_at: Client, fields: dict[str, str], complaint: str) -> None:
    good = {"username": "dora", "role": "CUSTOMER", "password1": PASSWORD, "password2": PASSWORD}
    answer = chief_at.post(ADD, good | fields)
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert User.objects.count() == 1


def test_people_of_the_marketplace_keep_having_no_user_name(chief_at: Client, alice: User, bob: User) -> None:
    for person in (alice, bob):
        assert save(chief_at, person, name="Somebody").username is None
    assert save(chief_at, alice, username="ﬁne").username == "fine", "as the sign-in page reads it"
    assert save(chief_at, alice, username="").username is None


def test_a_name_is_one_line_and_a_picture_has_an_address_of_the_web(chief_at: Client, alice: User) -> None:
    assert save(chief_at, alice, name="Alice\u202e  Hill ").name == "Alice Hill"
    for bad in ("javascript:alert(1)", "ftp://example.org/a.png"):
        answer = chief_at.post(page_of(alice), form_of(chief_at, page_of(alice)) | {"image": bad})
        assert "Expected an address" in answer.content.decode()
    assert save(chief_at, alice, image="https://example.org/a.png").image == "https://example.org/a.png"


def test_the_id_on_the_wire_and_peoples_own_settings_stay_theirs(chief_at: Client, alice: User) -> None:
    changed = save(chief_at, alice, public_id="mallory", receipts="", appear_offline="on", language="xx")
    assert (changed.public_id, changed.receipts, changed.appear_offline, changed.language) == ("alice", True, False, "")


def test_an_older_token_of_the_marketplace_does_not_undo_an_edit(chief_at: Client, alice: User) -> None:
    before = time.time()
    assert save(chief_at, alice, appear_offline="on").profile_applied == 0
    assert save(chief_at, alice, name="Alice Hill").profile_applied >= before


def test_saving_writes_only_what_was_edited(chief_at: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice signs out everywhere between the moment her page is read and the moment it is saved."""
    original = User.save

    def sign_out_first(user: User, *args: Any, **options: Any) -> None:
        User.objects.filter(pk=alice.pk).update(tokens_valid_after=12345.0)
        original(user, *args, **options)

    monkeypatch.setattr(User, "save", sign_out_first)
    changed = save(chief_at, alice, name="Alice Hill")
    assert (changed.name, changed.tokens_valid_after) == ("Alice Hill", 12345.0)


# Access


def test_who_is_no_longer_active_is_shut_out_at_once(
    chief_at: Client,
    alice: User,
    published: list[Item],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    User.objects.filter(pk=alice.pk).update(access_changed_at=long_ago)

    with django_capture_on_commit_callbacks(execute=True):
        changed = save(chief_at, alice, without=("is_active",))
        assert not published, "told before COMMIT"

    assert not changed.is_active
    assert changed.access_changed_at > long_ago
    assert [item.person for item in published if isinstance(item, Revoked)] == [alice.pk]


def test_who_is_active_again_is_noticed_by_the_sweep(
    chief_at: Client,
    alice: User,
    published: list[Item],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    User.objects.filter(pk=alice.pk).update(access_changed_at=long_ago, is_active=False)
    with django_capture_on_commit_callbacks(execute=True):
        changed = save(chief_at, alice, is_active="on")
    assert changed.is_active
    assert changed.access_changed_at > long_ago
    assert published == []


def test_another_name_shuts_nobody_out(
    chief_at: Client,
    alice: User,
    published: list[Item],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    before = User.objects.get(pk=alice.pk).access_changed_at
    with django_capture_on_commit_callbacks(execute=True):
        changed = save(chief_at, alice, name="Alice Hill")
    assert changed.access_changed_at == before
    assert published == []


def test_a_new_password_signs_out_whoever_knew_the_old_one(
    chief_at: Client,
    published: list[Item],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    dora = User.objects.create_user("dora", "the-old-password")
    browser = Client()
    assert browser.login(username="dora", password="the-old-password")
    sign_in = SignIn.objects.create(user=dora, expires_at=datetime.now(UTC) + timedelta(days=1))

    with django_capture_on_commit_callbacks(execute=True):
        answer = chief_at.post(password_page_of(dora), {"password1": PASSWORD, "password2": PASSWORD})

    assert answer.status_code == 302
    assert [item.person for item in published if isinstance(item, Revoked)] == [dora.pk]
    sign_in.refresh_from_db()
    assert sign_in.ended_at
    assert browser.get("/").status_code == 302
    assert Client().login(username="dora", password=PASSWORD)


def test_with_a_new_password_of_ones_own_one_signs_in_again(chief_at: Client, chief: User) -> None:
    fields = {"password1": "other-green-beans", "password2": "other-green-beans"}
    assert chief_at.post(password_page_of(chief), fields).status_code == 302
    text_of(chief_at, page_of(chief), status=302)
    assert Client().login(username="chief", password="other-green-beans")


def test_who_has_no_user_name_gets_no_password(chief_at: Client, alice: User) -> None:
    assert password_page_of(alice) not in text_of(chief_at, page_of(alice))
    assert "../password/" not in text_of(chief_at, page_of(alice))
    text_of(chief_at, password_page_of(alice), status=403)


# Rights


def test_a_superuser_gives_rights_and_takes_them(chief_at: Client, alice: User) -> None:
    given = save(chief_at, alice, is_staff="on", is_superuser="on")
    assert (given.is_staff, given.is_superuser) == (True, True)
    taken = save(chief_at, alice, without=("is_staff", "is_superuser"))
    assert (taken.is_staff, taken.is_superuser) == (False, False)


def test_superusers_cannot_lock_themselves_out(chief_at: Client, chief: User) -> None:
    same = save(chief_at, chief, name="The chief", is_active="", is_staff="", is_superuser="")
    assert (same.name, same.is_active, same.is_staff, same.is_superuser) == ("The chief", True, True, True)


def test_staff_change_profiles_and_shut_people_out_but_give_no_rights(
    clerk_at: Callable[..., Client], alice: User
) -> None:
    client = clerk_at("accounts.change_user")
    group = RightsGroup.objects.create(name="Everything")
    changed = save(
        client,
        alice,
        without=("is_active",),
        name="Alice Hill",
        username="alice",
        is_staff="on",
        is_superuser="on",
        groups=[group.pk],
        user_permissions=[1],
    )
    assert (changed.name, changed.is_active) == ("Alice Hill", False)
    assert (changed.username, changed.is_staff, changed.is_superuser) == (None, False, False)
    assert not changed.groups.exists()
    assert not changed.user_permissions.exists()


def test_staff_don_t_change_accounts_of_staff_nor_their_own(
    clerk_at: Callable[..., Client], clerk: User, chief: User
) -> None:
    client = clerk_at("accounts.change_user", "accounts.view_user", "accounts.add_user")
    for account in (clerk, chief, User.objects.create(public_id="odd", is_superuser=True)):
        assert 'name="_save"' not in text_of(client, page_of(account))
        everything = {"name": "Changed", "role": "ADMIN", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
        assert client.post(page_of(account), everything).status_code == 403
        assert User.objects.filter(pk=account.pk, name=account.name, is_superuser=account.is_superuser).exists()


def test_only_superusers_set_passwords(clerk_at: Callable[..., Client], clerk: User, chief: User) -> None:
    """With a password of one's own choice one could read what somebody writes, or become a superuser."""
    dora = User.objects.create_user("dora", "the-old-password")
    client = clerk_at("accounts.change_user")
    for account in (dora, clerk, chief):
        assert "../password/" not in text_of(client, page_of(account))
        fields = {"password1": PASSWORD, "password2": PASSWORD}
        assert client.post(password_page_of(account), fields).status_code == 403
    assert Client().login(username="dora", password="the-old-password")


def test_nobody_sees_the_hash_of_a_password(
    chief_at: Client, clerk_at: Callable[..., Client], clerk: User, chief: User
) -> None:
    for client in (chief_at, clerk_at("accounts.view_user")):
        for account in (clerk, chief):
            assert account.password.rpartition("$")[2] not in text_of(client, page_of(account))


def test_staff_add_people_without_rights(clerk_at: Callable[..., Client]) -> None:
    client = clerk_at("accounts.add_user", "accounts.change_user")
    fields = {"username": "dora", "role": "CUSTOMER", "password1": PASSWORD, "password2": PASSWORD}
    rights = {"is_staff": "on", "is_superuser": "on", "user_permissions": [1]}
    assert client.post(ADD, fields | rights).status_code == 302
    dora = User.objects.get(username="dora")
    assert (dora.is_staff, dora.is_superuser, dora.user_permissions.count()) == (False, False, 0)


def test_only_superusers_change_groups_of_rights(
    chief_at: Client, clerk_at: Callable[..., Client], clerk: User
) -> None:
    """Whoever is in such a group could give it everything, and so to themselves."""
    group = RightsGroup.objects.create(name="Helpers")
    clerk.groups.add(group)
    path = reverse("admin:auth_group_change", args=[group.pk])
    client = clerk_at("auth.change_group", "auth.add_group", "auth.delete_group")
    assert client.post(path, {"name": "Helpers", "permissions": [1]}).status_code == 403
    assert client.post("/admin/auth/group/add/", {"name": "New"}).status_code == 403
    assert not group.permissions.exists()
    assert chief_at.post(path, {"name": "Helpers", "permissions": [1]}).status_code == 302
    assert group.permissions.exists()


# Signing in to the admin


@pytest.fixture
def door(alice: User) -> Client:
    """The admin's own form, which only those see who are signed in without rights of staff."""
    client = Client()
    client.force_login(alice)
    assert 'name="password"' in text_of(client, "/admin/login/")
    return client


def test_passwords_tried_at_the_admin_are_counted_with_those_tried_elsewhere(
    door: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, object]] = []
    monkeypatch.setattr("localroots_chat.accounts.throttling.count_one", lambda *use: counted.append(use))
    answer = door.post("/admin/login/", {"username": "Chief", "password": "guess"})
    assert "Please enter the correct" in answer.content.decode()
    assert counted == [("token", "address:127.0.0.1"), ("token", "name:chief")]


def test_who_tries_too_many_passwords_is_not_even_let_in_with_the_right_one(
    door: Client, chief: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(bucket: str, who: object) -> None:
        raise ChatError("rate_limited", "Too many attempts; wait a little.")

    monkeypatch.setattr("localroots_chat.accounts.throttling.count_one", refuse)
    answer = door.post("/admin/login/", {"username": "chief", "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()
    assert door.session["_auth_user_id"] == str(alice.pk)


def test_who_is_no_staff_is_not_let_in(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    text_of(client, "/admin/", status=302)
