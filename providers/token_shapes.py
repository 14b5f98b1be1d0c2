"""Shapes by which a secret is recognised wherever it stands: one list for what is stored and for what is logged.

Every quantifier is bounded, so that a text takes time in proportion to its length.
"""

from __future__ import annotations

TOKENS = (
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|gl(?:pat|dt|rt|ft|cbt|ptt)-[\w-]{20,100}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-\d-[A-Za-z0-9-]{10,255}"
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,2000}|GOCSPX-[\w-]{20,40}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/]{20,100}"
    r"|sk-(?:[a-z]{2,10}-)?[A-Za-z0-9_-]{20,255}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,128}|hf_[A-Za-z]{30,60}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,255}|dckr_pat_[\w-]{20,60}"
    r"|do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|dapi[a-f0-9]{32}|ATATT3[\w=-]{50,255}|lin_api_\w{30,60}"
    r"|hv[sbr]\.[\w-]{20,255}|gl(?:sa|c)_[\w=]{30,255}|NRAK-[A-Z0-9]{27}|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,80}|PMAK-[\w-]{40,70}"
    r"|\d{8,10}:AA[\w-]{33}|AGE-SECRET-KEY-1[0-9A-Z]{58}|[\w~.-]{3}\dQ~[\w~.-]{31,34}"
    r")"
    r"|\$(?:apr1|1|2[abxy]?|5|6|y|argon2id?|scrypt)\$[\w./$+=,-]{8,255}"
    r"|(?<=hooks\.slack\.com/services/)[\w/]{10,255}"
    r"|(?<=/api/webhooks/)\d{5,25}/[\w-]{8,255}"
    r"|(?<=webhook\.office\.com/webhookb2/)[\w@/-]{8,500}"
)
"""Tokens of known vendors, hashes of passwords, and the secret part of webhook addresses."""

USER_INFO = r"""(://[^/\s:@]{0,256}+:)[^/\s"'<>]+@"""
"""A password in an address, to the last @ before the path: one that holds an @ itself is masked whole. The first group stays."""
