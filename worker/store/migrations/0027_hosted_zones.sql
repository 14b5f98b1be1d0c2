-- works with: 0016
-- Hosted zones of Route 53 and their records were stored under an id with one slash too many, which is no ARN: each row gets the ARN, so that
-- nothing is read as gone and nothing is stored twice.
update entities set external_id = replace(external_id, ':route53:::/hostedzone/', ':route53:::hostedzone/')
where provider = 'aws' and sub_type in ('route53_zone', 'route53_record') and external_id like 'arn:%:route53:::/hostedzone/%';
update dependencies set target_external_id = replace(target_external_id, ':route53:::/hostedzone/', ':route53:::hostedzone/')
where target_external_id like 'arn:%:route53:::/hostedzone/%';
