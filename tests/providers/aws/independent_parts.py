"""The second reader of an AWS account, continued: what is part of something, or stands beside it, such as rules, stages and groups of settings.

Like `independent_aws`, it is written from Amazon's own reference, by boto3 alone.
"""

from __future__ import annotations

from independent_aws import Account, Found, Links


class Whole(Account):
    """An account with its parts."""

    def read(self) -> dict[str, Found]:
        """Everything, by ARN."""
        super().read()
        for part in (
            self._paths,
            self._rules,
            self._database_groups,
            self._mounts,
            self._sources,
            self._catalogue,
            self._stages,
            self._account,
        ):
            part()
        return self.found

    def _arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self._region}:{self._number}:{rest}"

    def _paths(self) -> None:
        for table in self._all("ec2", "describe_transit_gateway_route_tables", "TransitGatewayRouteTables"):
            links: Links = {("attached_to", self._ec2("transit-gateway", table["TransitGatewayId"]))}
            tags = {tag["Key"]: tag["Value"] for tag in table.get("Tags", ())}
            self._put(
                self._ec2("transit-gateway-route-table", table["TransitGatewayRouteTableId"]), "transit_gateway_route_table", tags, links
            )
        for gateway in self._all("ec2", "describe_transit_gateways", "TransitGateways"):
            self._put(gateway["TransitGatewayArn"], "transit_gateway")
        for prefixes in self._all("ec2", "describe_managed_prefix_lists", "PrefixLists"):
            if prefixes["OwnerId"] == self._number:
                self._put(prefixes["PrefixListArn"], "prefix_list", {tag["Key"]: tag["Value"] for tag in prefixes.get("Tags", ())})
        for log in self._all("ec2", "describe_flow_logs", "FlowLogs"):
            links = {("applies_to", self._ec2("vpc", log["ResourceId"])), ("writes_to", log["LogDestination"].partition("/")[0])}
            self._put(self._ec2("vpc-flow-log", log["FlowLogId"]), "flow_log", {}, links)

    def _rules(self) -> None:
        for balancer in self._all("elbv2", "describe_load_balancers", "LoadBalancers"):
            for listener in self._all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"]):
                for rule in self._all("elbv2", "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                    links = {("forwards_to", action.get("TargetGroupArn", "")) for action in rule["Actions"]}
                    self._put(rule["RuleArn"], "listener_rule", {}, links)

    def _database_groups(self) -> None:
        for group in self._all("rds", "describe_db_subnet_groups", "DBSubnetGroups"):
            links = {("in_subnet", self._ec2("subnet", one["SubnetIdentifier"])) for one in group["Subnets"]}
            self._put(group["DBSubnetGroupArn"], "rds_subnet_group", {}, links | {("in_vpc", self._ec2("vpc", group["VpcId"]))})
        for group in self._all("rds", "describe_db_parameter_groups", "DBParameterGroups"):
            self._put(group["DBParameterGroupArn"], "rds_parameter_group")

    def _mounts(self) -> None:
        for files in self._all("efs", "describe_file_systems", "FileSystems"):
            for target in self._all("efs", "describe_mount_targets", "MountTargets", FileSystemId=files["FileSystemId"]):
                links = self._placed(target, [target["SubnetId"]], [])
                links |= {("attached_to", self._ec2("network-interface", target["NetworkInterfaceId"]))}
                self._put(self._arn("elasticfilesystem", f"mount-target/{target['MountTargetId']}"), "efs_mount_target", {}, links)

    def _sources(self) -> None:
        for one in self._all("lambda", "list_event_source_mappings", "EventSourceMappings"):
            links = {("triggers", one["FunctionArn"]), ("reads_from", one["EventSourceArn"])}
            self._put(self._arn("lambda", f"event-source-mapping:{one['UUID']}"), "lambda_event_source_mapping", {}, links)

    def _catalogue(self) -> None:
        for crawler in self._all("glue", "get_crawlers", "Crawlers"):
            links = {("has_role", f"arn:aws:iam::{self._number}:role/{crawler['Role']}")}
            links |= {("writes_to", self._arn("glue", f"database/{crawler['DatabaseName']}"))}
            links |= {("reads_from", f"arn:aws:s3:::{one['Path'].split('/')[2]}") for one in crawler["Targets"]["S3Targets"]}
            self._put(self._arn("glue", f"crawler/{crawler['Name']}"), "glue_crawler", {}, links)
        for connection in self._all("glue", "get_connections", "ConnectionList"):
            self._put(self._arn("glue", f"connection/{connection['Name']}"), "glue_connection")

    def _stages(self) -> None:
        api_gateway = f"arn:aws:apigateway:{self._region}::"
        for api in self._all("apigatewayv2", "get_apis", "Items"):
            self._put(f"{api_gateway}/apis/{api['ApiId']}", "http_api", api.get("Tags", {}))
            for stage in self._all("apigatewayv2", "get_stages", "Items", ApiId=api["ApiId"]):
                self._put(f"{api_gateway}/apis/{api['ApiId']}/stages/{stage['StageName']}", "http_api_stage", stage.get("Tags", {}))

    def _account(self) -> None:
        self._put(f"arn:aws:iam::{self._number}:root", "iam_account")
