"""Sign-in to the fake Azure Resource Manager of `arm`: by secret, certificate, federated token and a machine's identity."""

from __future__ import annotations

import base64
import json
import urllib.parse

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from peers import serving
from peers.arm_account import FEDERATED, HEADER, SECRET, Azure


class SignIn(serving.Handler):
    """The token endpoint of Entra ID."""

    azure: Azure

    def _token(self, form: dict) -> None:
        self.azure.sign_ins.append(form)
        if self.azure.sign_in_page:
            return self.answer(*self.azure.sign_in_page, {"Content-Type": "text/html"})
        if self.azure.sign_in_error:
            text = f"{self.azure.sign_in_error}: refused. Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333"
            return self.answer(401, {"error": "invalid_client", "error_description": text})
        if "client_assertion" in form:
            return self._federated(form)
        if form.get("client_secret") != SECRET:
            return self.answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _openid(self, path: str) -> None:
        issuer = f"{self.base}/{path.split('/')[1]}"
        endpoints = {"token_endpoint": f"{issuer}/oauth2/v2.0/token", "authorization_endpoint": f"{issuer}/oauth2/v2.0/authorize"}
        self.answer(200, {"issuer": f"{issuer}/v2.0", **endpoints})

    def _federated(self, form: dict) -> None:
        kind = form.get("client_assertion_type")
        assert kind == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", kind
        if self.azure.certificate and form["client_assertion"].count(".") == 2:
            return self._certified(form["client_assertion"])
        if form["client_assertion"] != FEDERATED:
            text = "AADSTS700024: Client assertion is not within its valid time range."
            return self.answer(401, {"error": "invalid_client", "error_description": text, "error_codes": [700024]})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})

    def _certified(self, assertion: str) -> None:
        """Takes an assertion that names this certificate, and that its key has signed."""
        head, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split("."))
        certificate = x509.load_pem_x509_certificate(self.azure.certificate)
        named = json.loads(head)
        digest = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
        pads = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)}
        try:
            assert named.get("x5t#S256") in (None, digest)
            assert json.loads(claims)["iss"] == "app-1"
            certificate.public_key().verify(signature, assertion.rpartition(".")[0].encode(), pads[named["alg"]], hashes.SHA256())
        except (AssertionError, InvalidSignature):
            return self.answer(401, {"error": "invalid_client", "error_description": "AADSTS700027: The certificate is not registered."})
        return self.answer(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "good-token"})


class ManagedIdentity(serving.Handler):
    """The two endpoints that issue tokens to managed identities: that of App Service and Container Apps, and that of virtual machines."""

    asked: list[str]

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.asked.append(url.path)
        known = self.headers.get("X-IDENTITY-HEADER") == HEADER if url.path == "/msi/token" else self.headers.get("Metadata") == "true"
        if not known or "resource" not in query or query.get("client_id") == "unknown":
            return self.answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
        return self.answer(
            200,
            {
                "access_token": "good-token",
                "expires_in": "3600",
                "expires_on": "4102444800",
                "resource": query["resource"],
                "token_type": "Bearer",
            },
        )
