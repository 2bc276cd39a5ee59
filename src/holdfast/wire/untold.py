"""What a dialect has no words for."""

from __future__ import annotations

from ..core.failure import UNTOLD, Failure, Hop, Kind, Phase


class Untold(Exception):
    """Raised inside a translation only; whoever translates turns it into its `failure`.

    `param` is the field that cannot be said: of the client's body where it was read, of
    `core.message.Prompt` where it was to be written.
    """

    def __init__(self, param: str, why: str) -> None:
        super().__init__(param, why)
        self.param = param
        self.why = why

    @property
    def failure(self) -> Failure:
        return Failure(
            Kind.UNSUPPORTED,
            Phase.ADMIT,
            Hop.ENGINE,
            detail=f"{self.param}: {self.why}",
            code=UNTOLD,
            param=self.param,
        )
