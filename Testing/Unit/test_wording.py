"""Problems that pydantic finds are told in words of ours, whatever their kind."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from NephroSynthLib.wording import in_words, place_of


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    steps: int = Field(1, ge=1, le=2**63 - 1)


class Outer(BaseModel):
    inner: Inner = Inner()
    share: float = Field(0.5, gt=0, lt=1.5)
    sizes: tuple[float, float] = (1.0, 1.0)
    names: list[str] = Field(default_factory=list, max_length=1)
    table: dict[str, int] = Field(default_factory=dict)
    kind: Literal["a", "b"] = "a"
    code: str = Field("ab", min_length=2, max_length=3, pattern="[a-z]+")
    flag: bool = False
    even: int = 0

    @field_validator("even")
    @classmethod
    def _check_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


@pytest.mark.parametrize(
    ("values", "place", "words"),
    [
        ({"inner": {"steps": 0}}, "inner.steps", "must be at least 1"),
        ({"inner": {"steps": 2**63}}, "inner.steps", "must be at most 9223372036854775807"),
        ({"inner": {"steps": "x"}}, "inner.steps", "must be a whole number"),
        ({"inner": {"steps": 1.5}}, "inner.steps", "must be a whole number"),
        ({"inner": {"more": 1}}, "inner.more", "is unknown"),
        ({"inner": 3}, "inner", "must be a group of settings"),
        ({"share": 0}, "share", "must be more than 0"),
        ({"share": 1.5}, "share", "must be less than 1.5"),
        ({"share": float("nan")}, "share", "must be a number"),
        ({"share": []}, "share", "must be a number"),
        ({"sizes": 3}, "sizes", "must be a list of numbers"),
        ({"sizes": [1]}, "sizes", "has too few values"),
        ({"sizes": [1, 2, 3]}, "sizes", "has too many values"),
        ({"sizes": [1, "x"]}, "sizes", "must be a number"),
        ({"names": ["a", "b"]}, "names", "has too many values"),
        ({"names": "a"}, "names", "must be a list"),
        ({"table": 1}, "table", "must be a group of settings"),
        ({"kind": "c"}, "kind", "must be 'a' or 'b'"),
        ({"code": 1}, "code", "must be a text"),
        ({"code": "a"}, "code", "must have at least 2 characters"),
        ({"code": "abcd"}, "code", "must have at most 3 characters"),
        ({"code": "12"}, "code", "is not valid"),
        ({"flag": "perhaps"}, "flag", "must be true or false"),
        ({"even": 1}, "even", "must be even"),
    ],
)
def test_each_kind_of_problem(values: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate(values)
    problem = refused.value.errors()[0]
    assert (place_of(problem), in_words(problem)) == (place, words)


def test_a_value_that_is_missing() -> None:
    class Needy(BaseModel):
        out: str

    with pytest.raises(ValidationError) as refused:
        Needy.model_validate({})
    assert in_words(refused.value.errors()[0]) == "is missing"
