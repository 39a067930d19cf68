"""The constant answer: a patch, whatever was asked, so that only the server is measured."""

from __future__ import annotations

import base64
from typing import Any

_OPERATIONS = (
    b'[{"op":"add","path":"/spec/rkeConfig/machineGlobalConfig/kube-proxy-extra-env",'
    b'"value":["IPTABLES_MODE=nft"]}]'
)


def answer(review: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": review["request"]["uid"],
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(_OPERATIONS).decode(),
            "auditAnnotations": {"decision": "injected"},
        },
    }
