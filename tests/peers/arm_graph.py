"""Resource Graph of the fake Azure Resource Manager of `arm`: queries in the form that is asked for, and no other."""

from __future__ import annotations

import copy
import random
import re

from peers import serving
from peers.arm_account import DIRECT, GRAPH, RECORDS, Azure, Refused


class Graph(serving.Handler):
    """Resource Graph, over what the account holds."""

    azure: Azure

    def _graph(self, body: dict) -> dict:
        azure, options = self.azure, body["options"]
        assert set(options) <= {"$top", "$skip", "$skipToken", "resultFormat"}, options
        assert options.get("resultFormat") == "objectArray"
        assert 1 <= options["$top"] <= 1000
        if body["query"].startswith("Resources"):
            azure.queries.append(body)
            azure.before("POST", GRAPH, body)
        else:
            azure.other_queries.append(body)
        rows = self._rows(body)
        if options["$top"] > azure.largest:
            details = [{"code": "ResponsePayloadTooLarge", "message": "Response payload size is too large."}]
            refused = Refused(400, "BadRequest", "Please provide below info when asking for support.")
            refused.body["error"]["details"] = details
            raise refused
        start = int(options.get("$skipToken", options.get("$skip", 0)))
        end = start + options["$top"]
        page = {"totalRecords": len(rows), "count": len(rows[start:end]), "data": rows[start:end], "facets": [], "resultTruncated": "false"}
        if end < len(rows) and azure.truncate:
            page["resultTruncated"] = "true"
            page["totalRecords"] = end
        elif end < len(rows):
            page["$skipToken"] = str(end)
        return page

    def _rows(self, body: dict) -> list[dict]:
        """The rows that the caller may read, with the columns that the query projects; in no order but the one that it asks for."""
        table, *steps = [step.strip() for step in body["query"].split("|")]
        wanted = steps.pop(0) if steps[0].startswith("where type in~ (") else ""
        kinds = {kind.lower() for kind in re.findall(r"'([^']+)'", wanted)}
        assert steps[0].startswith("project ")
        columns = [column.strip() for column in steps[0].removeprefix("project ").split(",")]
        records, given = table == "DnsResources", body["subscriptions"]
        assert table in ("Resources", "DnsResources"), table
        held = {
            kind for number in given if number in self.azure.subscriptions for kind in self.azure.objects[number] if "/" in kind
        } - DIRECT
        held = {
            kind
            for kind in held
            if not kind.startswith(("containers/", "shares/", "secrets/", "keys/")) and bool(RECORDS.fullmatch(kind)) is records
        }
        known = kinds & held if kinds else held
        rows = [
            {**{column: one.get(column) for column in columns}, "type": one["type"].lower()}
            for number in body["subscriptions"]
            if number in self.azure.subscriptions
            for kind in known
            for one in map(self._moved, self.azure.shown(number, self.azure.objects[number].get(kind, [])))
            if self.azure.may(number, f"{one['type']}/read") and one["id"] not in self.azure.lagging
        ]
        random.shuffle(rows)
        return sorted(rows, key=lambda row: row["id"]) if steps[1:] == ["order by id asc"] else rows

    def _moved(self, found: dict) -> dict:
        """The object as this answer has it: what moves by itself at Azure has moved."""
        tick = next(self.azure.clock)
        moved, low = copy.deepcopy(found), found.get("type", "").lower()
        when = f"2026-01-01T00:00:00.{tick:06d}Z"
        if low.startswith("microsoft.network/"):
            moved["etag"] = f'W/"{tick}"'
        if low == "microsoft.compute/disks" and "properties" in moved:
            moved["properties"]["LastOwnershipUpdateTime"] = when
        if low == "microsoft.compute/virtualmachines":
            moved["etag"] = f'"{tick}"'
        if low == "microsoft.storage/storageaccounts" and "properties" in moved:
            moved["properties"]["geoReplicationStats"] = {"status": "Live", "lastSyncTime": when}
        if low == "microsoft.storage/storageaccounts/blobservices/containers":
            moved["etag"], moved["properties"] = f'"0x{tick:X}"', {**moved.get("properties", {}), "lastModifiedTime": when}
        return moved
