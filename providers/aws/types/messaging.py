"""What carries messages and watches: queues, topics, streams, rules, alarms, logs, stacks."""

from __future__ import annotations

from providers.aws.declaration import Detail, Kind, LinkRule

# A table reads better than one argument a line.
# fmt: off
MESSAGING = (
    Kind(
        "sns_topic", "messaging", "sns", "ListTopics", "Topics[]", "{TopicArn}",
        details=(
            Detail("GetTopicAttributes", {"TopicArn": "{TopicArn}"}, "Attributes"),
            Detail("ListTagsForResource", {"ResourceArn": "{TopicArn}"}, "Tags[]", "Tags"),
        ),
        links=(LinkRule("encrypted_with", "KmsMasterKeyId"),),
    ),
    Kind(
        "sns_subscription", "messaging", "sns", "ListSubscriptions", "Subscriptions[]", "{SubscriptionArn}", tags="",
        unless=(("SubscriptionArn", "PendingConfirmation"), ("SubscriptionArn", "Deleted")), parent="{TopicArn}",
        omit=("Endpoint",),  # the address of a webhook is often its key
        links=(
            LinkRule("attached_to", "TopicArn"),
            *(LinkRule("notifies", "Endpoint", when=("Protocol", protocol)) for protocol in ("sqs", "lambda", "firehose")),
        ),
    ),
    Kind(
        "sqs_queue", "messaging", "sqs", "ListQueues", "QueueUrls[]", "{QueueArn}", scalar="QueueUrl",
        details=(
            Detail("GetQueueAttributes", {"QueueUrl": "{QueueUrl}", "AttributeNames": ["All"]}, "Attributes"),
            Detail("ListQueueTags", {"QueueUrl": "{QueueUrl}"}, "Tags", "Tags"),
        ),
        omit=("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"),
    ),
    Kind(
        "kinesis_stream", "messaging", "kinesis", "ListStreams", "StreamNames[]", "{StreamARN}", name="StreamName", scalar="StreamName",
        tagged_as="kinesis:stream", details=(Detail("DescribeStreamSummary", {"StreamName": "{StreamName}"}, "StreamDescriptionSummary"),),
    ),
    Kind(
        "firehose_stream", "messaging", "firehose", "ListDeliveryStreams", "DeliveryStreamNames[]",
        "firehose:deliverystream/{DeliveryStreamName}", name="DeliveryStreamName", scalar="DeliveryStreamName",
        tagged_as="firehose:deliverystream",
    ),
    Kind(
        "msk_cluster", "messaging", "kafka", "ListClustersV2", "ClusterInfoList[]", "{ClusterArn}", name="ClusterName",
        omit=("ActiveOperationArn",),
        links=(
            LinkRule("in_subnet", "Provisioned.BrokerNodeGroupInfo.ClientSubnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "Provisioned.BrokerNodeGroupInfo.SecurityGroups[]", "ec2:security-group/{value}"),
        ),
    ),
    Kind(
        "event_bus", "messaging", "events", "ListEventBuses", "EventBuses[]", "{Arn}", name="Name", tagged_as="events:event-bus",
    ),
    Kind(
        "event_rule", "messaging", "events", "ListRules", "Rules[]", "{Arn}", name="Name", tagged_as="events:rule",
        links=(LinkRule("has_role", "RoleArn"), LinkRule("member_of", "EventBusName", "events:event-bus/{value}")),
    ),
    Kind(
        "state_machine", "serverless", "stepfunctions", "ListStateMachines", "stateMachines[]", "{stateMachineArn}", name="name",
        tagged_as="states:stateMachine",
    ),
    Kind(
        "cloudwatch_alarm", "monitoring", "cloudwatch", "DescribeAlarms", "MetricAlarms[]", "{AlarmArn}", name="AlarmName",
        tagged_as="cloudwatch:alarm",
        parameters={"AlarmTypes": ["MetricAlarm"]},
        omit=("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp", "EvaluationState"),
        links=(LinkRule("notifies", "AlarmActions[]"),), unordered=("Dimensions",),
    ),
    Kind(
        "log_group", "monitoring", "logs", "DescribeLogGroups", "logGroups[]", "{logGroupArn}", name="logGroupName",
        tagged_as="logs:log-group",
        omit=("storedBytes",), links=(LinkRule("encrypted_with", "kmsKeyId"),),
    ),
    Kind(
        "cloudformation_stack", "deployment", "cloudformation", "DescribeStacks", "Stacks[]", "{StackId}", name="StackName",
        omit=("Parameters", "Outputs"), links=(LinkRule("has_role", "RoleARN"), LinkRule("member_of", "ParentId")),
    ),
)
# fmt: on
