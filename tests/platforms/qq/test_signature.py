"""The platform's own test vectors, on our side and on the simulator's, which share no code."""

from __future__ import annotations

import pytest

from holdfast.platforms.qq.signature import Signer
from holdfast.sim.qq.webhook import signer

VECTORS = [
    (
        "DG5g3B4j9X2KOErG",
        "1725442341Arq0D5A61EgUu4OxUvOp",
        "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d0"
        "1bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706",
    ),
    (
        "123456abcdef",
        "1728981195"
        '{"id":"ROBOT1.0_veoihSEXDc8Q.g-6eLpNIa11bH8MisOjn-m-LKxCPntMk6exUXgcWCGpVO7L2QKTNZzjZzFFD'
        'SbiOFcqAPWyVA!!","content":"哦一下","timestamp":"2024-10-15T16:33:15+08:00","author":'
        '{"id":"675860273","user_openid":"675860273"}}',
        "e949b5b94ef4103df903fb031d1d16e358db3db83e79e117edd404c8508be3ce"
        "8a76d7bad1bed353194c126a1a5915b4ad8b5288c1191cc53a12acffccd82004",
    ),
]


@pytest.mark.parametrize(("secret", "message", "signature"), VECTORS)
def test_vectors(secret: str, message: str, signature: str) -> None:
    assert Signer(secret).sign(message.encode()) == signature
    assert Signer(secret).is_good(signature, message.encode())
    assert signer(secret).sign(message.encode()).hex() == signature


@pytest.mark.parametrize("secret", ["x", "short", "x" * 16, "x" * 32, "naOC0ocQE3shWLAfffVLB1rhYP"])
def test_secrets_of_any_length(secret: str) -> None:
    assert Signer(secret).is_good(signer(secret).sign(b"m").hex(), b"m")


@pytest.mark.parametrize("signature", ["", "zz", "00", "0" * 128, "f" * 128, VECTORS[1][2]])
def test_what_is_no_signature(signature: str) -> None:
    assert not Signer(VECTORS[0][0]).is_good(signature, VECTORS[0][1].encode())
