"""Documents that rule how services are rated."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from feedback_service.database import Base
from feedback_service.models.columns import check_one_of


class PublishedDocument(Base):
    """A questionnaire or a methodology that an operator loaded; it never changes afterwards."""

    __tablename__ = "documents"
    __table_args__ = (check_one_of("kind", ("questionnaire", "methodology")),)

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    effective_from: Mapped[date]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    loaded_at: Mapped[datetime]
