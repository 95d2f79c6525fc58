"""An installation's access to Huggy: given by somebody who signed in there, renewed in time, lost, given anew."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.identifiers import Personal, Secret
from domain.installation import Installation

RENEWED_BEFORE = 1 / 6
"""of its life, a token is renewed that long before it ends: a month, of the six that Huggy gives"""
RENEWED_BEFORE_MAX = timedelta(days=30)


class Grant(Personal, frozen=True, kw_only=True):
    """What Huggy hands out for a sign-in, and again for each renewal."""

    safe = ("issued_at", "expires_at")

    token: Secret
    refresh_token: Secret | None = None
    """what it is renewed with; None: the one before stays good"""
    issued_at: datetime
    expires_at: datetime | None = None
    """None: Huggy did not tell"""


def granted(installation: Installation, grant: Grant) -> Installation:
    """With a new access in place of the one before."""
    refresh_token = grant.refresh_token or installation.huggy_refresh_token
    return replace(
        installation,
        huggy_token=grant.token,
        huggy_refresh_token=refresh_token,
        huggy_expires_at=grant.expires_at,
        huggy_renew_at=_renew_at(grant) if refresh_token else None,
        huggy_lost_at=None,
    )


def connected(installation: Installation, grant: Grant) -> Installation:
    """With the access of somebody who just signed in: nothing of the one before is left."""
    return granted(replace(installation, huggy_refresh_token=None), grant)


def typed(installation: Installation, token: Secret) -> Installation:
    """With a token that somebody typed: it lasts until Huggy refuses it."""
    return replace(
        installation,
        huggy_token=token,
        huggy_refresh_token=None,
        huggy_expires_at=None,
        huggy_renew_at=None,
        huggy_lost_at=None,
    )


def lost(installation: Installation, now: datetime) -> Installation:
    """Somebody has to sign in again; what there is goes on being tried until then."""
    return replace(installation, huggy_lost_at=installation.huggy_lost_at or now)


def found_again(installation: Installation) -> Installation:
    return replace(installation, huggy_lost_at=None)


def renewal_due(installation: Installation, now: datetime) -> bool:
    renew_at = installation.huggy_renew_at
    return renew_at is not None and renew_at <= now and installation.huggy_lost_at is None


def _renew_at(grant: Grant) -> datetime | None:
    if grant.expires_at is None:
        return None
    life = max(grant.expires_at - grant.issued_at, timedelta(0))
    return grant.expires_at - min(life * RENEWED_BEFORE, RENEWED_BEFORE_MAX)
