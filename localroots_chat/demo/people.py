"""Who lives in the demo marketplace: six farmers and six customers."""

from typing import Final, NamedTuple

from localroots_chat.accounts.models import Role
from localroots_chat.demo.avatars import DRAWINGS, address_of

PASSWORD: Final = "localroots"  # noqa: S105 (printed, and refused in production)
STAFF: Final = "admin"


class Somebody(NamedTuple):
    """A person of the demo marketplace; `likeness` names the drawing that stands for them."""

    username: str
    name: str
    role: Role
    likeness: str

    @property
    def public_id(self) -> str:
        return f"demo-{self.username}"

    @property
    def image(self) -> str:
        return address_of(DRAWINGS[self.likeness])


PEOPLE: Final = (
    Somebody("maria", "Maria Lindqvist", Role.FARMER, "tomato"),
    Somebody("tom", "Tom Okafor", Role.CUSTOMER, "radish"),
    Somebody("aiko", "Aiko Tanaka", Role.CUSTOMER, "turnip"),
    Somebody("joan", "Joan Ferrer", Role.FARMER, "olive"),
    Somebody("lena", "Lena Brandt", Role.CUSTOMER, "plum"),
    Somebody("samir", "Samir Haddad", Role.FARMER, "aubergine"),
    Somebody("ines", "Inês Carvalho", Role.FARMER, "bee"),
    Somebody("kofi", "Kofi Mensah", Role.CUSTOMER, "pumpkin"),
    Somebody("priya", "Priya Raman", Role.CUSTOMER, "mango"),
    Somebody("mateo", "Mateo Quispe", Role.FARMER, "corn"),
    Somebody("noor", "Noor Rahimi", Role.CUSTOMER, "pomegranate"),
    Somebody("olek", "Oleksandr Kovalenko", Role.FARMER, "mushroom"),
)
BY_USERNAME: Final = {one.username: one for one in PEOPLE}
