"""The services of a centre, as other systems and staff name them: found by their codes, or added.

A service has a national code, a local code, or both. Only both together identify it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service.errors import TooManyServices
from feedback_service.facts import ServiceFacts
from feedback_service.models import Centre, Service
from feedback_service.plain_text import normalise_identifier

MAX_SERVICES = 5000  # of a centre, beyond which other systems add none


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A service as another system names it: by ``code``, ``local_code``, or both; empty for a missing one."""

    code: str
    local_code: str
    title: str


class CentreServices:
    """The services of a centre that some references may mean: the stored ones, and new ones that the caller stores."""

    def __init__(self, tx: Session, centre: Centre, service_refs: Collection[ServiceRef]) -> None:
        self._tx = tx
        self._centre = centre
        self._services = _load_services(tx, centre, service_refs)
        self._free_places: int | None = None  # how many services may still be added; counted when one is

    def find_service(self, service_ref: ServiceRef) -> Service | None:
        """Return the service with exactly these codes, or with a single code the only service that has it."""
        for service in self._services:
            if (service.code, service.local_code) == (service_ref.code, service_ref.local_code):
                return service
        if service_ref.code and service_ref.local_code:
            return None
        matches = [service for service in self._services if is_same_service(service, service_ref)]
        return matches[0] if len(matches) == 1 else None

    def build_service(self, service_ref: ServiceRef) -> Service:
        """Build a new service; without a title its code becomes the title. Raises ``TooManyServices``."""
        if self._free_places is None:
            query = select(func.count()).select_from(Service).where(Service.centre_id == self._centre.id)
            self._free_places = MAX_SERVICES - self._tx.scalars(query).one()
        if self._free_places <= 0:
            raise TooManyServices(MAX_SERVICES)
        self._free_places -= 1
        code, local_code = service_ref.code, service_ref.local_code
        title = service_ref.title or code or local_code
        service = Service(centre_id=self._centre.id, id=uuid7(), code=code, local_code=local_code, title=title)
        self._services.append(service)
        return service


def _load_services(tx: Session, centre: Centre, service_refs: Collection[ServiceRef]) -> list[Service]:
    codes = {service_ref.code for service_ref in service_refs} - {""}
    local_codes = {service_ref.local_code for service_ref in service_refs} - {""}
    condition = or_(Service.code.in_(codes), Service.local_code.in_(local_codes))
    query = select(Service).where(Service.centre_id == centre.id, condition)
    return list(tx.scalars(query.order_by(Service.code, Service.local_code)))


def find_or_add_service(tx: Session, centre: Centre, service_ref: ServiceRef) -> Service:
    """Return the centre's service with these codes; a new service is added. Raises ``TooManyServices``."""
    services = CentreServices(tx, centre, [service_ref])
    service = services.find_service(service_ref)
    if service is None:
        service = services.build_service(service_ref)
        tx.add(service)
        tx.flush()
    return service


def is_same_service(service: Service, service_ref: ServiceRef) -> bool:
    """Tell whether the reference means this service: they share a code, and no code differs."""
    pairs = [(service.code, service_ref.code), (service.local_code, service_ref.local_code)]
    # Codes that were stored before they had one form may hold another dash.
    comparable = [(normalise_identifier(ours), theirs) for ours, theirs in pairs if ours and theirs]
    return bool(comparable) and all(ours == theirs for ours, theirs in comparable)


def make_service_facts(service: Service) -> ServiceFacts:
    """Return what an answer and an event repeat of the service."""
    return ServiceFacts(service.id, service.code, service.local_code, service.title)
