"""What the shapes are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MinorUnits = Annotated[int, Field(description="Minor units of the currency.", examples=[1250])]
CurrencyCode = Annotated[str, Field(description="ISO 4217 code.", examples=["EUR"])]
CustomerId = Annotated[str, Field(examples=["c-1001"])]


class Shape(BaseModel):
    """Base: an answer has exactly these members."""

    model_config = ConfigDict(extra="forbid", strict=True)
