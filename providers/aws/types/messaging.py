"""Types for messages and monitoring: queues, topics, streams, rules, alarms, logs, stacks."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Detail, Listing
from providers.catalogue.kinds import LinkRule

TOPIC = (
    "ArchivePolicy", "BeginningArchiveTime", "ContentBasedDeduplication", "DataProtectionPolicy", "DeliveryPolicy", "DisplayName",
    "EffectiveDeliveryPolicy", "FifoThroughputScope", "FifoTopic", "KmsMasterKeyId", "Owner", "Policy", "SignatureVersion",
    "SubscriptionsConfirmed", "SubscriptionsDeleted", "SubscriptionsPending", "TracingConfig",
)  # fmt: skip
"""The attributes of a topic, from the reference of GetTopicAttributes: the model has a map."""

ALARMS = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
STATE_OF_ALARM = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
NOTIFIES = tuple(LinkRule("notifies", f"{key}[]", match="arn:") for key in ("AlarmActions", "OKActions", "InsufficientDataActions"))
IN_THE_LIST = ("Arn", "Name", "GroupName", "State", "CreationDate", "LastModificationDate")

# A table reads better than one argument a line.
# fmt: off
MESSAGING = (
    AwsKind(
        "sns_topic", "messaging", "{TopicArn}", "sns", "ListTopics", "Topics[]",
        details=(
            Detail("GetTopicAttributes", {"TopicArn": "{TopicArn}"}, "Attributes", gives=TOPIC),
            Detail("ListTagsForResource", {"ResourceArn": "{TopicArn}"}, "Tags[]", "Tags"),
        ),
        links=(LinkRule("encrypted_with", "KmsMasterKeyId", KEY),),
    ),
    AwsKind(
        "sns_subscription", "messaging", "{SubscriptionArn}", "sns", "ListSubscriptions", "Subscriptions[]", tags="",
        unless=(("SubscriptionArn", "PendingConfirmation"), ("SubscriptionArn", "Deleted")), parent="{TopicArn}",
        omit=("Endpoint",),  # the address of a webhook is often its key
        links=(
            LinkRule("attached_to", "TopicArn"),
            *(LinkRule("notifies", "Endpoint", when=("Protocol", protocol)) for protocol in ("sqs", "lambda", "firehose")),
        ),
    ),
    AwsKind(
        "sqs_queue", "messaging", "sqs:{QueueUrl/}", "sqs", "ListQueues", "QueueUrls[]", scalar="QueueUrl",
        details=(
            Detail("GetQueueAttributes", {"QueueUrl": "{QueueUrl}", "AttributeNames": ["All"]}, "Attributes"),
            Detail("ListQueueTags", {"QueueUrl": "{QueueUrl}"}, "Tags", "Tags"),
        ),
        omit=("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"),
        links=(
            LinkRule("encrypted_with", "KmsMasterKeyId", KEY),
            LinkRule("dead_letters_to", "RedrivePolicy", "{queue}", match=r'.*"deadLetterTargetArn"\s*:\s*"(?P<queue>[^"]+)"'),
        ),
    ),
    AwsKind(
        "kinesis_stream", "messaging", "kinesis:stream/{StreamName}", "kinesis", "ListStreams", "StreamNames[]", name="StreamName",
        scalar="StreamName",
        tagged_as="kinesis:stream", details=(Detail("DescribeStreamSummary", {"StreamName": "{StreamName}"}, "StreamDescriptionSummary"),),
        omit=("WarmThroughput.CurrentMiBps",), links=(LinkRule("encrypted_with", "KeyId", KEY),),
    ),
    AwsKind(
        "firehose_stream", "messaging", "firehose:deliverystream/{DeliveryStreamName}", "firehose", "ListDeliveryStreams",
        "DeliveryStreamNames[]", name="DeliveryStreamName", scalar="DeliveryStreamName",
        tagged_as="firehose:deliverystream",
    ),
    AwsKind(
        "msk_cluster", "messaging", "{ClusterArn}", "kafka", "ListClustersV2", "ClusterInfoList[]", name="ClusterName",
        omit=("ActiveOperationArn",),
        links=(
            LinkRule("in_subnet", "Provisioned.BrokerNodeGroupInfo.ClientSubnets[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "Provisioned.BrokerNodeGroupInfo.SecurityGroups[]", "ec2:security-group/{value}"),
            LinkRule("encrypted_with", "Provisioned.EncryptionInfo.EncryptionAtRest.DataVolumeKMSKeyId", KEY),
        ),
    ),
    AwsKind(
        "event_bus", "messaging", "{Arn}", "events", "ListEventBuses", "EventBuses[]", name="Name", tagged_as="events:event-bus",
    ),
    AwsKind(
        "event_rule", "messaging", "{Arn}", "events", "ListRules", "Rules[]", name="Name", tagged_as="events:rule",
        under=Listing("ListEventBuses", "EventBuses[]", into="Bus"), parameters={"EventBusName": "{Bus.Name}"},
        details=(Detail("ListTargetsByRule", {"Rule": "{Name}", "EventBusName": "{Bus.Name}"}, "Targets[]", "Targets"),),
        omit=("Bus", "Targets[].Input", "Targets[].InputTransformer", "Targets[].HttpParameters"),
        unordered=("Targets",),
        links=(
            LinkRule("has_role", "RoleArn"), LinkRule("member_of", "EventBusName", "events:event-bus/{value}"),
            LinkRule("triggers", "Targets[].Arn"), LinkRule("has_role", "Targets[].RoleArn"),
            LinkRule("dead_letters_to", "Targets[].DeadLetterConfig.Arn"),
            LinkRule("runs", "Targets[].EcsParameters.TaskDefinitionArn"),
        ),
    ),
    AwsKind(
        "state_machine", "serverless", "{stateMachineArn}", "stepfunctions", "ListStateMachines", "stateMachines[]", name="name",
        tagged_as="states:stateMachine",
        details=(Detail("DescribeStateMachine", {"stateMachineArn": "{stateMachineArn}"}, "roleArn", "roleArn"),),
        links=(LinkRule("has_role", "roleArn"),),
    ),
    AwsKind(
        "cloudwatch_alarm", "monitoring", "{AlarmArn}", "cloudwatch", "DescribeAlarms", "MetricAlarms[]", name="AlarmName",
        tagged_as="cloudwatch:alarm", parameters=ALARMS, omit=(*STATE_OF_ALARM, "EvaluationState"), links=NOTIFIES,
        unordered=("Dimensions",),
    ),
    AwsKind(
        "composite_alarm", "monitoring", "{AlarmArn}", "cloudwatch", "DescribeAlarms", "CompositeAlarms[]", name="AlarmName",
        tagged_as="cloudwatch:alarm", parameters=ALARMS, omit=(*STATE_OF_ALARM, "ActionsSuppressedBy", "ActionsSuppressedReason"),
        links=(*NOTIFIES, LinkRule("follows", "ActionsSuppressor", "cloudwatch:alarm:{value}")),
    ),
    AwsKind(
        "log_group", "monitoring", "{logGroupArn}", "logs", "DescribeLogGroups", "logGroups[]", name="logGroupName",
        tagged_as="logs:log-group",
        omit=("storedBytes",), links=(LinkRule("encrypted_with", "kmsKeyId"),),
    ),
    AwsKind(
        "cloudformation_stack", "deployment", "{StackId}", "cloudformation", "DescribeStacks", "Stacks[]", name="StackName",
        omit=("DriftInformation.LastCheckTimestamp", "Parameters", "Outputs"),
        links=(LinkRule("has_role", "RoleARN"), LinkRule("member_of", "ParentId"), LinkRule("notifies", "NotificationARNs[]")),
    ),
    AwsKind(
        "schedule", "messaging", "{Arn}", "scheduler", "ListSchedules", "Schedules[]", name="Name", tags="", optional=True,
        details=(Detail("GetSchedule", {"Name": "{Name}", "GroupName": "{GroupName}"}, "", "Schedule"),),
        omit=("Target", "Schedule.Target.Input", *(f"Schedule.{key}" for key in IN_THE_LIST)),
        links=(
            LinkRule("triggers", "Target.Arn"), LinkRule("has_role", "Schedule.Target.RoleArn"),
            LinkRule("encrypted_with", "Schedule.KmsKeyArn"), LinkRule("dead_letters_to", "Schedule.Target.DeadLetterConfig.Arn"),
        ),
    ),
    AwsKind(
        "pipe", "messaging", "{Arn}", "pipes", "ListPipes", "Pipes[]", name="Name", optional=True,
        details=(Detail("DescribePipe", {"Name": "{Name}"}),),
        omit=(
            "StateReason", "TargetParameters.InputTemplate", "TargetParameters.HttpParameters", "EnrichmentParameters.InputTemplate",
            "EnrichmentParameters.HttpParameters",
        ),
        links=(
            LinkRule("reads_from", "Source", match="arn:"), LinkRule("calls", "Enrichment"), LinkRule("triggers", "Target"),
            LinkRule("has_role", "RoleArn"), LinkRule("encrypted_with", "KmsKeyIdentifier", KEY),
        ),
    ),
    AwsKind(
        "mq_broker", "messaging", "{BrokerArn}", "mq", "ListBrokers", "BrokerSummaries[]", name="BrokerName", optional=True,
        details=(Detail("DescribeBroker", {"BrokerId": "{BrokerId}"}),), unordered=("SubnetIds", "SecurityGroups", "Users"),
        omit=("ActionsRequired",),
        links=(
            LinkRule("in_subnet", "SubnetIds[]", "ec2:subnet/{value}"),
            LinkRule("has_security_group", "SecurityGroups[]", "ec2:security-group/{value}"),
            LinkRule("encrypted_with", "EncryptionOptions.KmsKeyId", KEY),
        ),
    ),
    AwsKind(
        "ses_identity", "messaging", "ses:identity/{IdentityName}", "sesv2", "ListEmailIdentities", "EmailIdentities[]",
        name="IdentityName", tagged_as="ses:identity", optional=True,
    ),
)
# fmt: on
