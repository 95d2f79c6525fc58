"""Outages that reach a customer: those told with the record, and the state of each contract's access point."""

import asyncio
from collections.abc import Mapping, Sequence

from adapters.voalle.access_points import AccessPoints, Looked
from adapters.voalle.outage_signs import merged, outage_of
from adapters.voalle.sources import tell_failing_source
from application.failures import Failure, Unavailable
from domain.customer import ContractStatus, Customer
from domain.identifiers import ContractId
from domain.outage import Outage, Reported

_CONTRACTS_MAX = 20
"""contracts whose access point is asked for"""


class VoalleOutages:
    def __init__(self, *, access_points: AccessPoints | None) -> None:
        """None: there is no way to ask for them."""
        self._access_points = access_points

    async def affecting(self, customer: Customer) -> Reported:
        standing = [found.id for found in customer.contracts if found.status is not ContractStatus.CANCELLED]
        if self._access_points is None:
            outages = merged(customer.outages)
            return Reported(outages=outages, unaffected=_spared(customer, standing, outages))
        asked = standing[:_CONTRACTS_MAX]
        answers = await asyncio.gather(*(_looked(self._access_points, contract) for contract in asked))
        seen = _known(dict(zip(asked, answers, strict=True)))
        down = [outage_of(point, contract) for contract, known in seen.items() for point in known.points]
        outages = merged((*customer.outages, *(outage for outage in down if outage is not None)))
        sure = [contract for contract, known in seen.items() if known.asked and known.points]
        return Reported(
            outages=outages,
            unaffected=_spared(customer, sure, outages),
            access_points={contract: name for contract in seen if (name := self._access_points.name_of(contract))},
        )


async def _looked(access_points: AccessPoints, contract_id: ContractId) -> Looked | Failure:
    try:
        return await access_points.behind(contract_id)
    except Failure as failure:
        return failure


def _known(answers: Mapping[ContractId, Looked | Failure]) -> dict[ContractId, Looked]:
    """What is known of each contract now; of the others what the record itself told stands.

    A refusal or an answer that is not understood hides nothing of another contract. Where nothing at all is known, it is
    raised.
    """
    known = {contract: answer for contract, answer in answers.items() if isinstance(answer, Looked)}
    lasting = [each for each in answers.values() if isinstance(each, Failure) and not isinstance(each, Unavailable)]
    if lasting and not known:
        raise lasting[0]
    for failure in lasting:
        tell_failing_source("third_party", failure)
    return known


def _spared(customer: Customer, sure: Sequence[ContractId], outages: Sequence[Outage]) -> frozenset[ContractId]:
    """Those of the contracts that are surely known to work which nothing else told speaks against."""
    if not customer.tells_outages:
        return frozenset()
    return frozenset(each for each in sure if not any(outage.reaches(each) for outage in outages))
