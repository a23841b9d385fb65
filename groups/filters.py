"""The query parameters of the list of groups."""

from typing import ClassVar

import django_filters

from groups.discovery import Search
from groups.models import Group


class GroupFilter(django_filters.FilterSet):
    """?search= &category= &mine=true"""

    search = django_filters.CharFilter(max_length=200)
    category = django_filters.ChoiceFilter(choices=Group.Category.choices)
    mine = django_filters.ChoiceFilter(choices=[("true", "mine"), ("false", "others")])

    class Meta:
        model = Group
        fields: ClassVar[list[str]] = []

    def asked(self) -> Search:
        """What was asked for, checked."""
        said = self.form.cleaned_data
        return Search((said["search"] or "").strip(), said["category"] or "", said["mine"] or "")
