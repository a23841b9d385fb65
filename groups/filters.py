"""The query parameters of the list of groups."""

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet

from groups.discovery import found_by
from groups.models import Group


class GroupFilter(django_filters.FilterSet):
    """?search= &category= &mine=true"""

    search = django_filters.CharFilter(method="by_words", max_length=200)
    category = django_filters.ChoiceFilter(choices=Group.Category.choices)
    mine = django_filters.ChoiceFilter(method="by_membership", choices=[("true", "mine"), ("false", "others")])

    class Meta:
        model = Group
        fields: ClassVar[list[str]] = []

    def by_words(self, groups: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return found_by(groups, value.strip())

    def by_membership(self, groups: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return groups.filter(my_role__isnull=value == "false")
